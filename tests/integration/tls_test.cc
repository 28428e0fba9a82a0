#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/base/clock.h"
#include "core/base/durable_file.h"
#include "tests/eventually.h"
#include "tests/integration/test_server.h"
#include "tests/integration/users.h"

namespace distill::server {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

// Runs deploy/tls.sh, as an operator would.
void MakeCertificates(const std::filesystem::path& folder, const std::string& more = "") {
  const std::string command = std::string(DISTILL_DEPLOY) + "/tls.sh " + more + " " +
                              folder.string() + " localhost 127.0.0.1 >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

TlsFiles FilesIn(const std::filesystem::path& folder) {
  TlsFiles files;
  files.certificate = folder / "server.pem";
  files.key = folder / "server.key";
  files.refresh = std::chrono::seconds(1);
  return files;
}

// A connection of its own each time: nothing is left over of an earlier handshake.
std::shared_ptr<grpc::Channel> Connect(int port,
                                       const std::shared_ptr<grpc::ChannelCredentials>& how,
                                       const std::string& host = "127.0.0.1") {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(host + ":" + std::to_string(port), how, arguments);
}

std::shared_ptr<grpc::ChannelCredentials> Trusting(const std::filesystem::path& ca,
                                                   const std::filesystem::path& identity = {}) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(ca).value();
  if (!identity.empty()) {
    options.pem_cert_chain = ReadFile(identity.string() + ".pem").value();
    options.pem_private_key = ReadFile(identity.string() + ".key").value();
  }
  return grpc::SslCredentials(options);
}

grpc::Status WhoAmI(const std::shared_ptr<grpc::Channel>& channel, const std::string& token) {
  const auto context = As(token);
  context->set_wait_for_ready(false);
  v1::WhoAmIResponse response;
  return v1::UserService::NewStub(channel)->WhoAmI(context.get(), {}, &response);
}

// An end of a connection that never says more than `bytes`.
FileDescriptor ConnectAndSay(int port, const std::string& bytes) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  static_assert(sizeof(generic) == sizeof(address));
  std::memcpy(&generic, &address, sizeof(address));
  EXPECT_EQ(::connect(socket.get(), &generic, sizeof(generic)), 0);
  EXPECT_OK(WriteAll(socket.get(), bytes, "socket"));
  return socket;
}

class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeCertificates(folder()); }
  std::filesystem::path folder() const { return directory_.path() / "tls"; }
  std::filesystem::path other() const { return directory_.path() / "other"; }

  testing::TempDir directory_;
};

TEST_F(TlsTest, ClientThatTrustsTheAuthorityComesInWithItsToken) {
  TestServer server({}, FilesIn(folder()));
  const std::string token = AddUser(server, "ada");

  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto channel = Connect(server.port(), Trusting(folder() / "ca.pem"), host);
    EXPECT_TRUE(WhoAmI(channel, token).ok());
    EXPECT_EQ(WhoAmI(channel, "dst_wrong").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(TlsTest, ADaemonOfAnotherAccountFindsItsFilesAndNobodyElsesKeys) {
  const auto mode = [](const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  };

  EXPECT_EQ(mode(folder()), 0755U);
  EXPECT_EQ(mode(folder() / "server.pem"), 0644U);
  for (const char* key : {"server.key", "ca.key"}) EXPECT_EQ(mode(folder() / key), 0600U) << key;
}

TEST_F(TlsTest, OtherAuthorityOtherNameAndPlainTextDoNotConnect) {
  TestServer server({}, FilesIn(folder()));
  const std::string token = AddUser(server, "ada");
  MakeCertificates(other());

  EXPECT_EQ(WhoAmI(Connect(server.port(), Trusting(other() / "ca.pem")), token).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  // 127.0.0.2 leads to the same server, whose certificate does not name it.
  EXPECT_EQ(WhoAmI(Connect(server.port(), Trusting(folder() / "ca.pem"), "127.0.0.2"), token)
                .error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(WhoAmI(Connect(server.port(), grpc::InsecureChannelCredentials()), token).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ServerThatAsksForClientCertificatesTakesThoseOfItsAuthorityOnly) {
  MakeCertificates(folder(), "--client ann");
  MakeCertificates(other(), "--client eve");
  TlsFiles files = FilesIn(folder());
  files.client_ca = folder() / "ca.pem";
  TestServer server({}, files);
  const std::string token = AddUser(server, "ada");
  const auto ca = folder() / "ca.pem";

  EXPECT_TRUE(WhoAmI(Connect(server.port(), Trusting(ca, folder() / "client-ann")), token).ok());
  EXPECT_EQ(WhoAmI(Connect(server.port(), Trusting(ca)), token).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(
      WhoAmI(Connect(server.port(), Trusting(ca, other() / "client-eve")), token).error_code(),
      grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, HandshakesThatStopHalfWayHoldNobodyUp) {
  TestServer server({}, FilesIn(folder()));
  const std::string token = AddUser(server, "ada");
  std::vector<FileDescriptor> half_open;
  // Nothing at all, the head of a ClientHello that does not follow, and something else.
  for (const std::string& bytes :
       {std::string(), std::string("\x16\x03\x01\x02\x00\x01", 6), std::string("GET / HTTP/1.1")}) {
    for (int i = 0; i < 100; ++i) half_open.push_back(ConnectAndSay(server.port(), bytes));
  }

  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(WhoAmI(Connect(server.port(), Trusting(folder() / "ca.pem")), token).ok());
  }
}

// Whether the other end has closed the connection, after whatever it said.
bool IsClosed(const FileDescriptor& socket) {
  std::string bytes(4096, '\0');
  ssize_t count = 1;
  while (count > 0) count = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  return count == 0 || errno == ECONNRESET;
}

TEST_F(TlsTest, HandshakesThatStopHalfWayAreEndedWithinTheirLimit) {
  const std::string no_greeting;
  const std::string half_a_hello("\x16\x03\x01\x02\x00\x01", 6);
  for (const TlsFiles& files : {FilesIn(folder()), TlsFiles()}) {
    SCOPED_TRACE(files.certificate);
    TestServer server({}, files, /*last_job=*/0, {.handshake = std::chrono::milliseconds(500)});
    std::vector<FileDescriptor> half_open;
    for (int i = 0; i < 200; ++i) {
      half_open.push_back(ConnectAndSay(server.port(), i % 2 == 0 ? no_greeting : half_a_hello));
    }

    for (const FileDescriptor& socket : half_open) {
      ASSERT_TRUE(testing::Eventually(kDeadline, [&] { return IsClosed(socket); }));
    }
  }
}

TEST_F(TlsTest, RenewedCertificateIsTakenWithoutARestart) {
  TestServer server({}, FilesIn(folder()));
  const std::string token = AddUser(server, "ada");
  MakeCertificates(other());
  EXPECT_EQ(WhoAmI(Connect(server.port(), Trusting(other() / "ca.pem")), token).error_code(),
            grpc::StatusCode::UNAVAILABLE);

  for (const char* name : {"server.key", "server.pem"}) {
    std::filesystem::rename(other() / name, folder() / name);
  }

  EXPECT_TRUE(testing::Eventually(kDeadline, [&] {
    return WhoAmI(Connect(server.port(), Trusting(other() / "ca.pem")), token).ok();
  }));
}

TEST_F(TlsTest, RunningAgainRenewsTheCertificateUnderTheSameAuthority) {
  const std::string ca = ReadFile(folder() / "ca.pem").value();
  const std::string certificate = ReadFile(folder() / "server.pem").value();

  MakeCertificates(folder());

  EXPECT_EQ(ReadFile(folder() / "ca.pem").value(), ca);
  EXPECT_NE(ReadFile(folder() / "server.pem").value(), certificate);
  EXPECT_OK(CheckTlsFiles(FilesIn(folder())));
}

TEST_F(TlsTest, FilesAreCheckedWithTheirOptionNamed) {
  TlsFiles files = FilesIn(folder());
  const auto expiry = CheckTlsFiles(files);
  ASSERT_OK(expiry);
  EXPECT_GT(*expiry, SystemClock().UnixMillis());

  files.certificate = folder() / "absent.pem";
  EXPECT_THAT(CheckTlsFiles(files),
              StatusIs(Code::kFailedPrecondition, HasSubstr("tls_certificate cannot be read")));
  files.certificate = folder() / "server.key";
  EXPECT_THAT(CheckTlsFiles(files),
              StatusIs(Code::kFailedPrecondition, HasSubstr("holds no certificate")));
  files = FilesIn(folder());
  files.key = folder() / "ca.key";
  EXPECT_THAT(CheckTlsFiles(files),
              StatusIs(Code::kFailedPrecondition, HasSubstr("tls_key does not belong")));
  files = FilesIn(folder());
  std::filesystem::permissions(files.key, std::filesystem::perms(0644));
  EXPECT_THAT(CheckTlsFiles(files),
              StatusIs(Code::kFailedPrecondition, HasSubstr("opened by everybody")));
  std::filesystem::permissions(files.key, std::filesystem::perms(0640));
  EXPECT_OK(CheckTlsFiles(files));
  files.client_ca = folder() / "server.key";
  EXPECT_THAT(CheckTlsFiles(files),
              StatusIs(Code::kFailedPrecondition, HasSubstr("tls_client_ca holds no")));
}

}  // namespace
}  // namespace distill::server
