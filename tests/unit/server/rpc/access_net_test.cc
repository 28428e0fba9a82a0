#include "server/rpc/access_net.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <functional>

#include "distill/v1/user_service.grpc.pb.h"
#include "tests/fakes/fake_access_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/raw_call.h"

namespace distill::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Answers as a test says, under the name of a real service.
class ScriptedService final : public v1::UserService::Service {
 public:
  std::function<grpc::Status(grpc::ServerContext&, v1::WhoAmIResponse&)> answer;

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest*,
                      v1::WhoAmIResponse* response) override {
    response->set_name("a secret");
    return answer(*context, *response);
  }
};

// A service that nobody told the net of: it answers everything without asking.
class ForeignService final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    class Answer final : public grpc::ServerGenericBidiReactor {
     public:
      Answer() { StartWriteAndFinish(&secret_, grpc::WriteOptions(), grpc::Status::OK); }
      void OnDone() override { delete this; }

     private:
      const grpc::Slice slice_{"a secret"};
      const grpc::ByteBuffer secret_{&slice_, 1};
    };
    return new Answer;
  }
};

class AccessNetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.SetResourceQuota(quota_);
    builder.RegisterService(&service_);
    builder.RegisterCallbackGenericService(&foreign_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> nets;
    nets.push_back(std::make_unique<AccessNetFactory>(access_, /*max_request_bytes=*/1000));
    builder.experimental().SetInterceptorCreators(std::move(nets));
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void TearDown() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                               grpc::InsecureChannelCredentials());
  }

  static std::unique_ptr<grpc::ClientContext> Context() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context->set_wait_for_ready(true);
    return context;
  }

  grpc::Status Call(v1::WhoAmIResponse& response) {
    context_ = Context();
    return v1::UserService::NewStub(Channel())->WhoAmI(context_.get(), {}, &response);
  }

  grpc::Status Ask(grpc::ServerContext& context, const char* method) {
    return ToGrpc(access_.Run(context, method, "", [](AdmittedCall&) { return Status(); }));
  }

  testing::FakeAccessStore store_;
  testing::FakeClock clock_;
  AccessGate gate_{{}, store_, clock_};
  AuditLog audit_{{}, store_, clock_};
  CallAccess access_{gate_, audit_, clock_};
  ScriptedService service_;
  ForeignService foreign_;
  grpc::ResourceQuota quota_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::ClientContext> context_;
};

TEST_F(AccessNetTest, MethodThatAsksAnswersAndItsMarkIsNotSent) {
  service_.answer = [this](auto& context, auto&) { return Ask(context, "WhoAmI"); };
  v1::WhoAmIResponse response;

  EXPECT_TRUE(Call(response).ok());

  EXPECT_EQ(response.name(), "a secret");
  EXPECT_EQ(context_->GetServerInitialMetadata().count(kAdmittedMark), 0U);
}

TEST_F(AccessNetTest, MethodThatForgetsToAskTellsNothing) {
  service_.answer = [](auto&, auto&) { return grpc::Status::OK; };
  v1::WhoAmIResponse response;

  const grpc::Status status = Call(response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("does not ask"));
  EXPECT_THAT(response.name(), IsEmpty());
}

TEST_F(AccessNetTest, MethodThatAsksUnderAnothersNameTellsNothing) {
  service_.answer = [this](auto& context, auto&) { return Ask(context, "GetServerInfo"); };
  v1::WhoAmIResponse response;

  EXPECT_EQ(Call(response).error_code(), grpc::StatusCode::INTERNAL);

  EXPECT_THAT(response.name(), IsEmpty());
}

TEST_F(AccessNetTest, ServiceThatItWasNotToldOfTellsNothing) {
  std::string response;

  const grpc::Status status =
      testing::CallRaw(Channel(), Context(), "/foreign.Service/Tell", {}, response);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(response, IsEmpty());
}

TEST_F(AccessNetTest, MethodWithoutARuleIsForNobody) {
  service_.answer = [this](auto& context, auto&) { return Ask(context, "NewMethod"); };
  v1::WhoAmIResponse response;

  EXPECT_EQ(Call(response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(AccessNetTest, CallForWhichNoThreadIsLeftIsInTheTrail) {
  quota_.SetMaxThreads(1);  // the one that waits for calls, and none to serve one
  v1::WhoAmIResponse response;

  EXPECT_EQ(Call(response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);

  audit_.Stop();
  ASSERT_THAT(store_.audit(), SizeIs(1));
  EXPECT_EQ(store_.audit()[0].method, "WhoAmI");
  EXPECT_EQ(store_.audit()[0].outcome, "RESOURCE_EXHAUSTED");
}

}  // namespace
}  // namespace distill::server
