#include "tests/soak/half_handshake.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <memory>

namespace distill::testing {
namespace {

FileDescriptor Connect(const std::string& address) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) socket.Close();
  return socket;
}

// What a client says first.
std::string ClientHello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> connection(SSL_new(context.get()), &SSL_free);
  BIO* const from_server = BIO_new(BIO_s_mem());
  BIO* const to_server = BIO_new(BIO_s_mem());
  SSL_set_bio(connection.get(), from_server, to_server);  // owns both
  SSL_connect(connection.get());
  std::string hello(4096, '\0');
  const int bytes = BIO_read(to_server, hello.data(), static_cast<int>(hello.size()));
  hello.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  return hello;
}

std::string WordsOf(uint64_t half) {
  static const std::string hello = ClientHello();
  switch (half) {
    case 1:
      return hello.substr(0, hello.size() / 2);
    case 2:
      return hello;
    case 3:
      return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    default:
      return "";
  }
}

}  // namespace

FileDescriptor BeginHandshake(const std::string& address, uint64_t half) {
  FileDescriptor socket = Connect(address);
  const std::string words = WordsOf(half);
  if (socket.is_open()) {
    static_cast<void>(::send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL));
  }
  return socket;
}

}  // namespace distill::testing
