#include "server/device/process_owner.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

namespace distill::server {
namespace {

std::string UserName(uid_t uid) {
  std::array<char, 4096> text{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, text.data(), text.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(uid);
}

}  // namespace

void FillOwner(DeviceProcess& process) {
  const std::string folder = "/proc/" + std::to_string(process.pid);
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return;
  process.user = UserName(status.st_uid);
  std::ifstream file(folder + "/stat");
  std::string line;
  std::getline(file, line);
  // "PID (NAME) STATE PPID PGRP SESSION ...": the name may hold anything, brackets too.
  const size_t start = line.find('(');
  const size_t end = line.rfind(')');
  if (start == std::string::npos || end == std::string::npos) return;
  process.program = line.substr(start + 1, end - start - 1);
  std::istringstream rest(line.substr(end + 1));
  char state = 0;
  int parent = 0;
  int group = 0;
  rest >> state >> parent >> group >> process.session;
}

}  // namespace distill::server
