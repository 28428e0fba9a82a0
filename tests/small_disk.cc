#include "tests/small_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/durable_file.h"

namespace distill::testing {
namespace {

constexpr char kBallast[] = "ballast";

std::string Mount(const std::filesystem::path& place, int mebibytes) {
  const std::string remedy = "; run it as root, or under unshare -rm";
  if (::unshare(CLONE_NEWNS) != 0) {
    return std::string("no mount namespace: ") + std::strerror(errno) + remedy;
  }
  const std::string size = "size=" + std::to_string(mebibytes) + "m";
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", place.c_str(), "tmpfs", 0, size.c_str()) != 0) {
    return std::string("no mount: ") + std::strerror(errno) + remedy;
  }
  return "";
}

}  // namespace

SmallDisk::SmallDisk(const std::filesystem::path& place, int mebibytes) : place_(place) {
  std::filesystem::create_directories(place);
  obstacle_ = Mount(place, mebibytes);
}

SmallDisk::~SmallDisk() {
  if (obstacle_.empty()) ::umount2(place_.c_str(), MNT_DETACH);
}

int64_t SmallDisk::Free() const {
  struct statvfs info {};
  EXPECT_EQ(::statvfs(place_.c_str(), &info), 0);
  return static_cast<int64_t>(info.f_bavail * info.f_frsize);
}

void SmallDisk::FillUpTo(int64_t bytes) const {
  constexpr mode_t kOwnerOnly = 0600;
  const FileDescriptor file(
      ::open((place_ / kBallast).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kOwnerOnly));
  ASSERT_TRUE(file.is_open());
  std::error_code error;
  auto taken = static_cast<int64_t>(std::filesystem::file_size(place_ / kBallast, error));
  // Others write meanwhile: what was free may not be had any more.
  for (int64_t more = Free() - bytes; more > 0; more = std::min(more / 2, Free() - bytes)) {
    if (::posix_fallocate(file.get(), taken, more) == 0) taken += more;
  }
}

void SmallDisk::MakeSpace() const { std::filesystem::remove(place_ / kBallast); }

}  // namespace distill::testing
