#include "server/spec/file_locator.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/base/rooted_file.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPathBytes = 4096;

Status Refused(const std::string& why) { return {Code::kInvalidArgument, why}; }

std::string Listed(const std::vector<fs::path>& roots) {
  if (roots.empty()) return "(none is configured)";
  std::string text;
  for (const fs::path& root : roots) text += (text.empty() ? "" : ", ") + root.string();
  return text;
}

// Returns whether a link in `path`, of which what exists is resolved, leads to nothing.
bool HasLooseLink(const fs::path& path) {
  std::error_code ignored;
  fs::path part;
  return std::any_of(path.begin(), path.end(), [&](const fs::path& name) {
    part /= name;
    return fs::is_symlink(fs::symlink_status(part, ignored));
  });
}

// The answer for a path outside the roots is the same whether something lies there or not; where a
// link to nothing would lead is not looked for.
Result<fs::path> RealPathInside(const fs::path& path, const std::vector<fs::path>& roots) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  if (error || !IsInside(real, roots) || HasLooseLink(real)) {
    return Refused("must lie inside one of the server's folders: " + Listed(roots));
  }
  if (!fs::exists(real, error) || error) return Refused("no such file on the server");
  return real;
}

Result<std::string> ReadableFile(const fs::path& real) {
  std::error_code error;
  if (!fs::is_regular_file(real, error)) return Refused("must be a regular file");
  if (::access(real.c_str(), R_OK) != 0) return Refused("the server may not read this file");
  return real.string();
}

bool IsSanePath(const std::string& path) {
  return !path.empty() && path.size() <= kMaxPathBytes && path.find('\0') == std::string::npos;
}

}  // namespace

Result<std::string> FileLocator::FindWeights(const std::string& path) const {
  if (!IsSanePath(path)) return Refused("must be a path of 1 to 4096 bytes");
  const fs::path given(path);
  if (given.is_absolute()) {
    DISTILL_ASSIGN_OR_RETURN(const fs::path real, RealPathInside(given, options_.weights_roots));
    return ReadableFile(real);
  }
  Status last =
      Refused("must lie inside one of the server's folders: " + Listed(options_.weights_roots));
  for (const fs::path& root : options_.weights_roots) {
    Result<fs::path> real = RealPathInside(root / given, options_.weights_roots);
    if (real.ok()) return ReadableFile(*real);
    last = real.status();
  }
  return last;
}

Result<std::string> FileLocator::FindPretrained(const Architecture& architecture) const {
  if (architecture.pretrained_file.empty()) {
    return Refused("there are no published weights of " + std::string(architecture.name) +
                   " to begin with; leave this out, or name a file");
  }
  const fs::path& folder = options_.pretrained_directory;
  const fs::path published(architecture.pretrained_file);
  for (const char* extension : {"", ".safetensors", ".pth"}) {
    fs::path candidate = published;
    if (*extension != '\0') candidate.replace_extension(extension);
    std::error_code error;
    const fs::path real = fs::canonical(folder / candidate, error);
    if (!error) return ReadableFile(real);
  }
  return Refused("needs the file " + published.string() + " in the server's folder " +
                 folder.string() + "; get it from " + std::string(architecture.pretrained_source) +
                 (published.extension() == ".pth" ? published.string() : ""));
}

Result<std::string> FileLocator::FindDataset(const std::string& path) const {
  if (!IsSanePath(path)) return Refused("must be a path of 1 to 4096 bytes");
  if (!fs::path(path).is_absolute()) return Refused("must be absolute");
  DISTILL_ASSIGN_OR_RETURN(const fs::path real, RealPathInside(path, options_.dataset_roots));
  std::error_code error;
  if (!fs::is_directory(real, error)) return ReadableFile(real);
  if (::access(real.c_str(), R_OK | X_OK) != 0) {
    return Refused("the server may not read this folder");
  }
  return real.string();
}

}  // namespace distill::server
