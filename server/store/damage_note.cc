#include "server/store/damage_note.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

std::filesystem::path NoteOf(const std::filesystem::path& path) {
  return path.string() + "-damaged";
}

// Names a file for ever: a number is given again, but not with the same time of birth.
std::string IdentityOf(const std::filesystem::path& path) {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &info) != 0) return "";
  return std::to_string(info.stx_ino) + " " + std::to_string(info.stx_btime.tv_sec) + "." +
         std::to_string(info.stx_btime.tv_nsec);
}

}  // namespace

void NoteDamage(const std::filesystem::path& path, const std::string& what) {
  static_cast<void>(ReplaceFile(NoteOf(path), IdentityOf(path) + "\n" + what + "\n").ok());
}

std::optional<std::string> FindDamageNote(const std::filesystem::path& path) {
  const auto note = ReadFile(NoteOf(path));
  if (!note.ok()) return std::nullopt;
  const size_t end = note->find('\n');
  const std::string identity = IdentityOf(path);
  if (end == std::string::npos || identity.empty() || note->substr(0, end) != identity) {
    return std::nullopt;
  }
  const size_t last = note->find('\n', end + 1);
  return note->substr(end + 1, last - end - 1);
}

}  // namespace distill::server
