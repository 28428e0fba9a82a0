#include "server/store/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace distill::server {
namespace {

Status MakeFolder(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Status::Ok();
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoStatus("make folder " + path.string(), error.value());
  constexpr mode_t kOwnerOnly = 0700;
  if (::chmod(path.c_str(), kOwnerOnly) != 0) return ErrnoStatus("chmod " + path.string(), errno);
  return Status::Ok();
}

// Returns 0, or errno. Waits a little where somebody has the lock: a worker that was being started
// when its daemon was killed has a copy of the descriptor until it runs its own program, and
// IsLocked() looks by a lock of its own.
int TakeLock(int descriptor) {
  constexpr std::chrono::milliseconds kPatience{2'000};
  constexpr std::chrono::milliseconds kPause{10};
  for (std::chrono::milliseconds waited{0}; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0;
       waited += kPause) {
    if (errno != EWOULDBLOCK || waited >= kPatience) return errno;
    std::this_thread::sleep_for(kPause);
  }
  return 0;
}

}  // namespace

Status CheckFileSystem(const std::filesystem::path& path) {
  // Magic numbers of statfs(2): NFS, SMB, CIFS, SMB2.
  constexpr std::array<uint32_t, 4> kNetworkFileSystems = {0x6969U, 0x517BU, 0xFF534D42U,
                                                           0xFE534D42U};
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return ErrnoStatus("statfs " + path.string(), errno);
  for (const uint32_t magic : kNetworkFileSystems) {
    if (static_cast<uint32_t>(info.f_type) == magic) {
      return {
          Code::kFailedPrecondition,
          "the state folder lies on a network file system; choose a local one: " + path.string()};
    }
  }
  return Status::Ok();
}

bool IsLocked(const std::filesystem::path& path) {
  const FileDescriptor lock(::open((path / "lock").c_str(), O_RDONLY | O_CLOEXEC));
  return lock.is_open() && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

Result<StateDirectory> StateDirectory::Lock(const std::filesystem::path& path) {
  DISTILL_RETURN_IF_ERROR(MakeFolder(path));
  DISTILL_RETURN_IF_ERROR(CheckFileSystem(path));
  const std::filesystem::path file = path / "lock";
  constexpr mode_t kOwnerOnly = 0600;
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (!lock.is_open()) return ErrnoStatus("open " + file.string(), errno);
  if (const int error = TakeLock(lock.get()); error != 0) {
    if (error != EWOULDBLOCK) return ErrnoStatus("lock " + file.string(), error);
    return Status(Code::kFailedPrecondition,
                  "another distilld uses this state folder: " + path.string());
  }
  return StateDirectory(std::move(lock));
}

int64_t LastNumberIn(const std::filesystem::path& directory) {
  int64_t last = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    int64_t number = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) last = std::max(last, number);
  }
  return last;
}

}  // namespace distill::server
