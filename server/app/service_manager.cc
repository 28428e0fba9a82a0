#include "server/app/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "core/base/durable_file.h"

namespace distill::server {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void NotifyServiceManager(std::string_view state) {
  const std::string path = Variable("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return;
  std::copy(path.begin(), path.end(), address.sun_path);
  if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract address
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // Nobody is there to tell of a failure: systemd's own time-out does that.
  static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length));
}

std::optional<std::chrono::milliseconds> ServiceManagerInterval() {
  constexpr std::chrono::milliseconds kLongest{10'000};
  if (Variable("NOTIFY_SOCKET").empty()) return std::nullopt;
  // A process that the watchdog's owner started may have inherited the variables.
  const std::string owner = Variable("WATCHDOG_PID");
  if (!owner.empty() && owner != std::to_string(::getpid())) return kLongest;
  const std::string text = Variable("WATCHDOG_USEC");
  int64_t microseconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (microseconds <= 0) return kLongest;
  const auto half = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::microseconds(microseconds / 2));
  return std::clamp(half, std::chrono::milliseconds(1), kLongest);
}

}  // namespace distill::server
