#pragma once

#include <filesystem>

#include "core/base/durable_file.h"
#include "core/base/status.h"

namespace distill::server {

/// Holds the daemon's state folder for one process: an flock on <folder>/lock. Owned by one thread.
class StateDirectory {
 public:
  /// Makes the folder where it is missing (for its owner only) and locks it.
  /// kFailedPrecondition: another process has it, or it lies on a network file system, where SQLite
  /// cannot keep its promises. kPermissionDenied, kUnavailable: it cannot be made or opened.
  static Result<StateDirectory> Lock(const std::filesystem::path& path);

 private:
  explicit StateDirectory(FileDescriptor lock) : lock_(std::move(lock)) {}

  FileDescriptor lock_;
};

}  // namespace distill::server
