#include "server/rpc/rpc_guard.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "google/rpc/error_details.pb.h"

namespace distill::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

google::rpc::BadRequest BadRequestOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::BadRequest request;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&request)) break;
  }
  return request;
}

TEST(RpcGuardTest, ExceptionsBecomeInternalWithTheirMessage) {
  const Status status = CallGuarded([]() -> Status { throw std::runtime_error("disk gone"); });

  EXPECT_EQ(status, Status(Code::kInternal, "disk gone"));
}

TEST(RpcGuardTest, SuccessHasNoDetails) { EXPECT_TRUE(ToGrpc(Status()).ok()); }

TEST(RpcGuardTest, ViolationsShowValueAndRemedy) {
  const auto request = BadRequestOf(ToGrpc({{"train.epochs", "0", "must lie in 1 to 5"}}));

  ASSERT_THAT(request.field_violations(), SizeIs(1));
  EXPECT_EQ(request.field_violations(0).field(), "train.epochs");
  EXPECT_EQ(request.field_violations(0).description(), "0: must lie in 1 to 5");
}

TEST(RpcGuardTest, VeryManyViolationsAreCutToWhatAHeaderHolds) {
  const std::vector<FieldViolation> many(1000, {"field", std::string(500, 'x'), "must be short"});

  const grpc::Status status = ToGrpc(many);

  const auto request = BadRequestOf(status);
  EXPECT_THAT(status.error_details().size(), Le(5000U));
  EXPECT_THAT(request.field_violations().rbegin()->description(), HasSubstr("more"));
}

}  // namespace
}  // namespace distill::server
