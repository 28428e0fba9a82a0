#include "tests/integration/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>

namespace distill::testing {

FileDescriptor ConnectTo(int port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.get(), target, sizeof(address)) != 0) return FileDescriptor(-1);
  return socket;
}

HttpAnswer HttpGet(int port, const std::string& path) {
  const FileDescriptor socket = ConnectTo(port);
  if (socket.get() < 0) return {};
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string answer;
  char piece[4096];
  ssize_t count = 0;
  while ((count = ::recv(socket.get(), piece, sizeof(piece), 0)) > 0) {
    answer.append(piece, static_cast<size_t>(count));
  }
  const size_t head = answer.find("\r\n\r\n");
  if (answer.rfind("HTTP/1.1 ", 0) != 0 || head == std::string::npos) return {};
  return {std::atoi(answer.c_str() + 9), answer.substr(head + 4)};
}

}  // namespace distill::testing
