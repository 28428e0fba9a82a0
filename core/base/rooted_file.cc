#include "core/base/rooted_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace distill {
namespace {

namespace fs = std::filesystem;

// Both without links, dots and doubled slashes.
bool LiesIn(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

Status Outside(const fs::path& path) {
  return {Code::kPermissionDenied,
          path.string() + ": leads outside the folders that files may be read from"};
}

Status NotRegular(const fs::path& path) {
  return {Code::kInvalidArgument, path.string() + ": not a regular file"};
}

// Returns where `path`, at which there is nothing, leads: links are resolved, those that lead
// nowhere too. An empty path: links in a circle.
fs::path TargetOf(fs::path path) {
  constexpr int kMaxLinks = 40;  // as the kernel
  std::error_code error;
  for (int i = 0; i < kMaxLinks; ++i) {
    path = fs::weakly_canonical(path, error);
    fs::path link;  // the part up to the first link that is left: it leads nowhere
    for (const fs::path& part : path) {
      link /= part;
      if (fs::is_symlink(fs::symlink_status(link, error))) break;
    }
    const fs::path target = fs::read_symlink(link, error);
    if (error) return path;
    path = (link.parent_path() / target / path.lexically_relative(link)).lexically_normal();
  }
  return {};
}

// Whether something lies there is told only of what is inside.
Status NotOpened(const fs::path& path, const Roots& roots, int error_number) {
  if (!roots.empty() && !IsInside(TargetOf(path), roots)) return Outside(path);
  if (error_number == ENXIO) return NotRegular(path);  // a socket
  return ReadErrnoStatus("open " + path.string(), error_number);
}

}  // namespace

bool IsInside(const fs::path& real, const Roots& roots) {
  // Of most files the names alone tell, which costs no look at the disk for each picture.
  const auto contains = [&](const fs::path& root) { return LiesIn(real, root); };
  const auto leads_to = [&](const fs::path& root) {
    std::error_code error;
    const fs::path canonical = fs::canonical(root, error);
    return !error && LiesIn(real, canonical);
  };
  return std::any_of(roots.begin(), roots.end(), contains) ||
         std::any_of(roots.begin(), roots.end(), leads_to);
}

Result<FileDescriptor> OpenInside(const fs::path& path, const Roots& roots) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return NotOpened(path, roots, errno);
  if (!roots.empty()) {
    std::error_code error;
    const fs::path real = fs::read_symlink("/proc/self/fd/" + std::to_string(file.get()), error);
    if (error || !IsInside(real, roots)) return Outside(path);
  }
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return ReadErrnoStatus("look at " + path.string(), errno);
  if (!S_ISREG(facts.st_mode)) return NotRegular(path);
  return file;
}

Result<std::string> ReadFileInside(const fs::path& path, const Roots& roots, uint64_t max_bytes) {
  DISTILL_ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(path, roots));
  return ReadAll(file.get(), path, max_bytes);
}

}  // namespace distill
