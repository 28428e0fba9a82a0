#include "client/exit_code.h"

#include <gmock/gmock.h>

namespace distill::client {
namespace {

TEST(ExitCodeTest, FailuresHaveTheirOwnCodes) {
  EXPECT_EQ(ExitCodeFor(Status()), ExitCode::kOk);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kInvalidArgument, ""))), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kOutOfRange, ""))), 2);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kInternal, ""))), 1);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kUnavailable, ""))), 3);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kUnauthenticated, ""))), 4);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kNotFound, ""))), 5);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kFailedPrecondition, ""))), 6);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(Status(Code::kAlreadyExists, ""))), 6);
}

TEST(ExitCodeTest, LocalFaultsAreNoAnswersOfTheServer) {
  for (const Code code : {Code::kUnavailable, Code::kNotFound, Code::kFailedPrecondition,
                          Code::kPermissionDenied, Code::kAlreadyExists, Code::kDataLoss}) {
    EXPECT_EQ(ExitCodeFor(AsLocalFault(Status(code, "x"))), ExitCode::kError);
  }
  EXPECT_EQ(AsLocalFault(Status(Code::kNotFound, "x")).message(), "x");
  EXPECT_EQ(ExitCodeFor(AsLocalFault(Status())), ExitCode::kOk);
}

TEST(ExitCodeTest, OutcomesOfJobsHaveTheirOwnCodes) {
  EXPECT_EQ(static_cast<int>(ExitCodeFor(v1::JOB_STATE_SUCCEEDED)), 0);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(v1::JOB_STATE_FAILED)), 100);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(v1::JOB_STATE_RUNNING)), 101);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(v1::JOB_STATE_CANCELLED)), 103);
}

TEST(ExitCodeTest, OneFailureAmongManyJobsDecides) {
  EXPECT_EQ(Worse(ExitCode::kOk, ExitCode::kJobCancelled), ExitCode::kJobCancelled);
  EXPECT_EQ(Worse(ExitCode::kJobFailed, ExitCode::kJobCancelled), ExitCode::kJobFailed);
  EXPECT_EQ(Worse(ExitCode::kJobCancelled, ExitCode::kJobFailed), ExitCode::kJobFailed);
  EXPECT_EQ(Worse(ExitCode::kOk, ExitCode::kOk), ExitCode::kOk);
}

}  // namespace
}  // namespace distill::client
