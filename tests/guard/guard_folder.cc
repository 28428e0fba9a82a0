#include "tests/guard/guard_folder.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <string>

namespace distill::testing {

void GuardFolder(const std::filesystem::path& folder, pid_t owner) {
  std::string program = DISTILL_TEST_GUARD;
  std::string owner_text = std::to_string(owner == 0 ? ::getpid() : owner);
  std::string folder_text = folder.string();
  char* const arguments[] = {program.data(), owner_text.data(), folder_text.data(), nullptr};
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::posix_spawn_file_actions_addopen(&files, standard, "/dev/null", O_RDWR, 0);
  }
  pid_t pid = 0;
  int status = ::posix_spawn(&pid, program.c_str(), &files, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (status == 0) ::waitpid(pid, &status, 0);
  if (status != 0) std::cerr << "no guard of " << folder << std::endl;
}

}  // namespace distill::testing
