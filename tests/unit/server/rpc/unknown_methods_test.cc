#include "server/rpc/unknown_methods.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <future>
#include <memory>
#include <string>

#include "server/access/token.h"
#include "server/rpc/access_net.h"
#include "tests/eventually.h"
#include "tests/fakes/fake_access_store.h"
#include "tests/fakes/fake_clock.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::chrono::seconds kPatience{20};

// A call under way, with an empty request.
class RawCall {
 public:
  RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
          const std::string& token = "")
      : stub_(channel) {
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
    context_.set_wait_for_ready(true);
    context_.AddMetadata("distill-user", "ada");
    if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
    call_ = stub_.PrepareUnaryCall(&context_, path, {}, &queue_);
    call_->StartCall();
    call_->Finish(&response_, &status_, nullptr);
  }

  const grpc::Status& Wait() {
    void* tag = nullptr;
    bool is_ok = false;
    queue_.Next(&tag, &is_ok);
    return status_;
  }

 private:
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;
};

class UnknownMethodsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&methods_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> nets;
    nets.push_back(std::make_unique<AccessNetFactory>(access_, /*max_request_bytes=*/1000));
    builder.experimental().SetInterceptorCreators(std::move(nets));
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials());
  }
  void TearDown() override {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    pool_.Stop();
  }

  // Returns the token of a new user.
  std::string AddUser(const std::string& name) {
    TokenRecord token;
    const std::string text = MakeToken().value();
    token.user = name;
    token.sha256 = HashOfToken(text);
    EXPECT_TRUE(store_.AddUser({name, Role::kUser, 0}, token, {}).ok());
    return text;
  }

  std::vector<AuditRecord> Trail() {
    audit_.Stop();
    return store_.audit();
  }

  static constexpr int kMaxWaiting = 2;

  testing::FakeAccessStore store_;
  testing::FakeClock clock_;
  AccessGate gate_{{}, store_, clock_};
  AuditLog audit_{{}, store_, clock_};
  CallAccess access_{gate_, audit_, clock_};
  TaskPool pool_{1};
  UnknownMethods methods_{access_, pool_, kMaxWaiting};
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(UnknownMethodsTest, SayWhichMethodIsNotThereAndWhatToDoAndStandInTheTrail) {
  const std::string token = AddUser("ben");

  const grpc::Status status = RawCall(channel_, "/a.Service/Fly", token).Wait();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr("no method /a.Service/Fly"), HasSubstr("distillctl version")));
  const auto trail = Trail();
  ASSERT_THAT(trail, SizeIs(1));
  EXPECT_EQ(trail[0].user, "ben");
  EXPECT_EQ(trail[0].method, "/a.Service/Fly");
  EXPECT_EQ(trail[0].outcome, "UNIMPLEMENTED");
  EXPECT_THAT(trail[0].peer, HasSubstr("127.0.0.1"));
}

TEST_F(UnknownMethodsTest, TellStrangersWhatEveryMethodTellsThem) {
  AddUser("ben");

  const grpc::Status status = RawCall(channel_, "/a.Service/Fly").Wait();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  const auto trail = Trail();
  ASSERT_THAT(trail, SizeIs(1));
  EXPECT_EQ(trail[0].user, "");
  EXPECT_EQ(trail[0].outcome, "UNAUTHENTICATED");
}

TEST_F(UnknownMethodsTest, NameIsCutAndCleanedInAnswerAndTrail) {
  const std::string path = "/a.Service/" + std::string(500, 'x');

  const grpc::Status status = RawCall(channel_, path).Wait();

  EXPECT_THAT(status.error_message(), HasSubstr(NameOfUnknown(path) + ":"));
  const auto trail = Trail();
  ASSERT_THAT(trail, SizeIs(1));
  EXPECT_EQ(trail[0].method, NameOfUnknown(path));
}

TEST(NameOfUnknownTest, HoldsNothingButPrintableAsciiOfABoundedLength) {
  EXPECT_EQ(NameOfUnknown("/a.Service/Fly"), "/a.Service/Fly");
  EXPECT_EQ(NameOfUnknown("/a\tb\x1b[31m\x7f\xc2\x9b c"), "/a?b?[31m????c");
  EXPECT_EQ(NameOfUnknown(std::string_view("\0x", 2)), "?x");
  EXPECT_THAT(NameOfUnknown(""), IsEmpty());
  EXPECT_EQ(NameOfUnknown(std::string(120, 'x')), std::string(120, 'x'));
  EXPECT_THAT(NameOfUnknown(std::string(121, 'x')), AllOf(SizeIs(120), EndsWith("xxx...")));
}

TEST_F(UnknownMethodsTest, MoreThanMayWaitAreRefusedAtOnceAndStandInTheTrail) {
  std::promise<void> gate;
  pool_.Run([&gate] { gate.get_future().wait(); });
  RawCall first(channel_, "/a.Service/First");
  RawCall second(channel_, "/a.Service/Second");
  RawCall third(channel_, "/a.Service/Third");

  // One of the three ends; which one, the network decides.
  ASSERT_TRUE(testing::Eventually(kPatience, [this] { return !store_.audit().empty(); }));
  gate.set_value();

  int num_busy = 0;
  for (RawCall* call : {&first, &second, &third}) {
    const grpc::Status& status = call->Wait();
    if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) ++num_busy;
  }
  EXPECT_EQ(num_busy, 1);
  const auto trail = Trail();
  ASSERT_THAT(trail, SizeIs(3));
  EXPECT_EQ(trail[0].outcome, "RESOURCE_EXHAUSTED");
  EXPECT_EQ(RawCall(channel_, "/a.Service/Fourth").Wait().error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace distill::server
