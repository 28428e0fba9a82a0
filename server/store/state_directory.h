#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/durable_file.h"
#include "core/base/status.h"

namespace distill::server {

/// Holds the daemon's state folder for one process: an flock on <folder>/lock. Owned by one thread.
class StateDirectory {
 public:
  /// Makes the folder where it is missing (for its owner only) and locks it.
  /// Waits two seconds at most for a process that is about to leave it.
  /// kFailedPrecondition: another process has it, or it lies on a network file system, where SQLite
  /// cannot keep its promises. kPermissionDenied, kUnavailable: it cannot be made or opened.
  static Result<StateDirectory> Lock(const std::filesystem::path& path);

 private:
  explicit StateDirectory(FileDescriptor lock) : lock_(std::move(lock)) {}

  FileDescriptor lock_;
};

/// Returns whether a process holds the folder's lock (a daemon, as a rule).
bool IsLocked(const std::filesystem::path& path);

/// kFailedPrecondition: the folder lies on a network file system, where SQLite cannot keep its
/// promises.
Status CheckFileSystem(const std::filesystem::path& path);

/// Returns the largest number that names a folder in `directory`; 0 = none does.
int64_t LastNumberIn(const std::filesystem::path& directory);

}  // namespace distill::server
