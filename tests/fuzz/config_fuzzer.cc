// A configuration that is read is printed as one that reads back equal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/app/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace distill::server;  // NOLINT(google-build-using-namespace)
  Config config;
  if (!ReadToml(std::string(reinterpret_cast<const char*>(data), size), "f.toml", config).ok()) {
    return 0;
  }
  const std::string printed = ToToml(config);
  Config again;
  if (!ReadToml(printed, "printed", again).ok() || ToToml(again) != printed) std::abort();
  (void)FinishConfig(config).ok();
  return 0;
}
