#include "server/app/state_owner.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace distill::server {

std::string AccountName() {
  // getpwuid: one thread, before anything else runs.
  const passwd* account = ::getpwuid(::getuid());  // NOLINT(concurrency-mt-unsafe)
  return account != nullptr ? account->pw_name : std::to_string(::getuid());
}

Status CheckStateFolder(const std::filesystem::path& state_directory) {
  struct stat facts {};
  const bool is_there = ::stat(state_directory.c_str(), &facts) == 0;
  if (is_there && S_ISDIR(facts.st_mode)) return {};
  if (!is_there && errno != ENOENT) {
    return ErrnoStatus("look at the state folder " + state_directory.string(), errno);
  }
  return {Code::kNotFound, "the state folder: there is none: " + state_directory.string() +
                               "; start distilld, or name it by --state-dir"};
}

Status BecomeOwnerOf(const std::filesystem::path& state_directory) {
  DISTILL_RETURN_IF_ERROR(CheckStateFolder(state_directory));
  struct stat facts {};
  if (::stat(state_directory.c_str(), &facts) != 0) {
    return ErrnoStatus("look at " + state_directory.string(), errno);
  }
  if (facts.st_uid == ::geteuid()) return {};
  if (::geteuid() != 0) {
    return {Code::kPermissionDenied,
            "the state folder belongs to another user: run this as the user of the daemon, or as "
            "root: " +
                state_directory.string()};
  }
  const std::array<gid_t, 1> groups{facts.st_gid};
  if (::setgroups(groups.size(), groups.data()) != 0 || ::setgid(facts.st_gid) != 0 ||
      ::setuid(facts.st_uid) != 0) {
    return ErrnoStatus("become the owner of " + state_directory.string(), errno);
  }
  return {};
}

}  // namespace distill::server
