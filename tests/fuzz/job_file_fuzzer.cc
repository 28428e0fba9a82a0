// A job file; lines after "---settings" are --set's.
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "client/job_file.h"
#include "client/job_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr char kMark[] = "---settings\n";
  std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> settings;
  const size_t mark = text.find(kMark);
  if (mark != std::string::npos) {
    std::istringstream lines(text.substr(mark + sizeof(kMark) - 1));
    for (std::string line; std::getline(lines, line);) settings.push_back(line);
    text.resize(mark);
  }
  auto jobs = distill::client::ParseJobFile(text, "f.yaml");
  if (!jobs.ok()) return 0;
  (void)distill::client::ApplySettings(settings, *jobs).ok();
  distill::client::PrefixNames("p-", *jobs);
  return 0;
}
