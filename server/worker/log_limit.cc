#include "server/worker/log_limit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

constexpr int64_t kBlockBytes = 64 * 1024;  // a whole number of any file system's blocks

}  // namespace

Status LimitLog(const std::filesystem::path& log, int64_t max_bytes) {
  struct stat facts {};
  if (max_bytes == 0 || ::lstat(log.c_str(), &facts) != 0) return {};
  constexpr int64_t kBytesPerUnit = 512;
  // A block more, so that not every line makes a hole.
  if (facts.st_blocks * kBytesPerUnit <= max_bytes + kBlockBytes) return {};
  const int64_t cut = (facts.st_size - max_bytes) / kBlockBytes * kBlockBytes;
  if (cut <= 0) return {};
  // Not through a link: the folder is the worker's, which may have less rights than we.
  const FileDescriptor file(::open(log.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return ErrnoStatus("open " + log.string(), errno);
  if (::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, cut) == 0) return {};
  if (errno == EOPNOTSUPP) {
    return {Code::kUnimplemented, "the file system cannot cut a log: " + log.string()};
  }
  return ErrnoStatus("cut " + log.string(), errno);
}

}  // namespace distill::server
