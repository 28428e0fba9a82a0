#include "tests/soak/process_figures.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace distill::testing {
namespace {

std::string ProcFile(pid_t process, const std::string& name) {
  return "/proc/" + std::to_string(process) + "/" + name;
}

}  // namespace

double MemoryMiB(pid_t process) {
  std::ifstream status(ProcFile(process, "status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

int OpenFiles(pid_t process) {
  std::error_code error;
  const std::filesystem::directory_iterator files(ProcFile(process, "fd"), error);
  return static_cast<int>(std::distance(begin(files), end(files)));
}

std::string OpenFilesText(pid_t process) {
  std::map<std::string, int> kinds;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(ProcFile(process, "fd"), error)) {
    const std::string target = std::filesystem::read_symlink(file, error).filename();
    ++kinds[target.substr(0, target.find(":["))];
  }
  std::string text;
  for (const auto& [kind, count] : kinds) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  }
  return text;
}

double ProcessorSeconds(pid_t process) {
  std::ifstream stat(ProcFile(process, "stat"));
  std::string line;
  std::getline(stat, line);
  // Fields 14 and 15, in ticks; the second, a name, may hold spaces.
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

bool PinTo(pid_t process, int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  return ::sched_setaffinity(process, sizeof(set), &set) == 0;
}

bool KeepOff(pid_t process, int processor) {
  cpu_set_t set;
  if (::sched_getaffinity(process, sizeof(set), &set) != 0) return false;
  CPU_CLR(processor, &set);
  return CPU_COUNT(&set) > 0 && ::sched_setaffinity(process, sizeof(set), &set) == 0;
}

double MedianStepMs(const std::filesystem::path& file, int64_t from_unix_ms, int64_t to_unix_ms) {
  std::ifstream lines(file);
  std::vector<double> times;
  int64_t at = 0;
  double microseconds = 0;
  while (lines >> at >> microseconds) {
    if (at >= from_unix_ms && at < to_unix_ms) times.push_back(microseconds / 1000);
  }
  if (times.empty()) return 0;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace distill::testing
