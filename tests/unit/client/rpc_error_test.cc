#include "client/rpc_error.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>

#include "google/rpc/error_details.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RpcErrorTest, FieldViolationsStandOnLinesOfTheirOwn) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("job.train.epochs");
  violation->set_description("must be at least 1, not -3");
  violation = bad_request.add_field_violations();
  violation->set_field("job.train.dataset");
  violation->set_description("no such data set: cup200");
  google::rpc::Status details;
  details.add_details()->PackFrom(google::rpc::ErrorInfo());
  details.add_details()->PackFrom(bad_request);
  const grpc::Status from_server(grpc::StatusCode::INVALID_ARGUMENT, "the job is refused",
                                 details.SerializeAsString());

  EXPECT_EQ(FromGrpc(from_server, "x:1"), Status(Code::kInvalidArgument,
                                                 "the job is refused\n"
                                                 "  job.train.epochs: must be at least 1, not -3\n"
                                                 "  job.train.dataset: no such data set: cup200"));
}

TEST(RpcErrorTest, AConnectionThatBreaksIsToldOfTheOtherKindOfServer) {
  const grpc::Status closed(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  const grpc::Status handshake(grpc::StatusCode::UNAVAILABLE,
                               "Ssl handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL "
                               "routines::wrong version number");
  const grpc::Status refused(grpc::StatusCode::UNAVAILABLE, "Connection refused");

  EXPECT_THAT(FromGrpc(closed, "x:1").message(), HasSubstr("--ca FILE"));
  EXPECT_THAT(FromGrpc(closed, "x:1", /*uses_tls=*/true).message(), Not(HasSubstr("--ca")));
  EXPECT_THAT(FromGrpc(handshake, "x:1", /*uses_tls=*/true).message(), HasSubstr("leave --ca out"));
  EXPECT_THAT(FromGrpc(refused, "x:1").message(), Not(HasSubstr("--ca")));
}

TEST(RpcErrorTest, AnUnreachableServerIsNamed) {
  EXPECT_THAT(
      FromGrpc({grpc::StatusCode::UNAVAILABLE, "connection refused"}, "box:50551"),
      StatusIs(Code::kUnavailable, AllOf(HasSubstr("box:50551"), HasSubstr("connection refused"))));
}

TEST(RpcErrorTest, DetailsThatAreNoMessageAreIgnored) {
  EXPECT_EQ(FromGrpc({grpc::StatusCode::INTERNAL, "broken", "\xff\xff"}, "x"),
            Status(Code::kInternal, "broken"));
}

}  // namespace
}  // namespace distill::client
