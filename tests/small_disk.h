#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace distill::testing {

/// A small disk (a tmpfs), mounted in a mount namespace of the calling thread's: the programs that
/// it starts see it, and nothing is left behind whatever happens. Owned by one thread.
class SmallDisk {
 public:
  /// Makes the folder `place` and mounts a disk of so many MiB there.
  SmallDisk(const std::filesystem::path& place, int mebibytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// Why there is no disk, and what to do about it; "" = there is one.
  const std::string& obstacle() const { return obstacle_; }

  /// Takes what is free, but for so many bytes. Again: what has become free since.
  void FillUpTo(int64_t bytes) const;

  /// Gives back all that was taken.
  void MakeSpace() const;

 private:
  int64_t Free() const;

  const std::filesystem::path place_;
  std::string obstacle_;
};

}  // namespace distill::testing
