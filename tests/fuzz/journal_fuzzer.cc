// A run journal of these bytes, and one frame of them.
#include <google/protobuf/stubs/logging.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base/journal.h"
#include "server/worker/journal_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int file = [] {
    google::protobuf::SetLogHandler(nullptr);
    return ::memfd_create("journal", 0);
  }();
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) {
    std::abort();
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const auto chunk = distill::ReadJournal(path, 0);
  if (!chunk.ok() || chunk->next_offset > static_cast<int64_t>(size)) std::abort();
  for (const std::string& payload : chunk->payloads) {
    (void)distill::server::ParseRunEvent(payload).ok();
  }
  (void)distill::server::ParseRunEvent(bytes).ok();
  return 0;
}
