#include "tests/fakes/http_receiver.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace distill::testing {
namespace {

constexpr int kLookMillis = 5;

// Reads a request with its body as far as Content-Length says.
std::string ReadRequest(int connection) {
  std::string request;
  std::array<char, 4096> piece{};
  while (true) {
    const size_t head_end = request.find("\r\n\r\n");
    const size_t field = request.find("Content-Length: ");
    if (head_end != std::string::npos) {
      const size_t body = field == std::string::npos ? 0 : std::stoul(request.substr(field + 16));
      if (request.size() >= head_end + 4 + body) return request;
    }
    const ssize_t count = ::read(connection, piece.data(), piece.size());
    if (count <= 0) return request;
    request.append(piece.data(), static_cast<size_t>(count));
  }
}

}  // namespace

HttpReceiver::HttpReceiver(std::vector<int> statuses)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      statuses_(statuses.begin(), statuses.end()) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 8) != 0) return;
  ::getsockname(listener_.get(), generic, &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

HttpReceiver::~HttpReceiver() {
  is_stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

std::vector<std::string> HttpReceiver::requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

void HttpReceiver::Serve() {
  while (!is_stopping_) {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kLookMillis) <= 0) continue;
    const FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.is_open()) Answer(connection.get());
  }
}

void HttpReceiver::Answer(int connection) {
  const std::string request = ReadRequest(connection);
  int status = 200;
  {
    const MutexLock lock(mutex_);
    requests_.push_back(request);
    if (!statuses_.empty()) {
      status = statuses_.front();
      statuses_.pop_front();
    }
  }
  while (status == 0 && !is_stopping_) ::poll(nullptr, 0, kLookMillis);
  const std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  static_cast<void>(::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL));
}

}  // namespace distill::testing
