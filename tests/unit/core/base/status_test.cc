#include "core/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "tests/matchers/status_matchers.h"

namespace distill {
namespace {

using ::distill::testing::StatusIs;

TEST(StatusTest, ContextIsPutBeforeTheMessageOfAFailureOnly) {
  EXPECT_EQ(Status(Code::kNotFound, "no job: 7").WithContext("cancel job"),
            Status(Code::kNotFound, "cancel job: no job: 7"));
  EXPECT_TRUE(Status::Ok().WithContext("cancel job").ok());
}

TEST(StatusTest, FullDiskIsResourceExhausted) {
  EXPECT_THAT(ErrnoStatus("write x", ENOSPC),
              StatusIs(Code::kResourceExhausted, "write x: No space left on device"));
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Status(Code::kInvalidArgument, "odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  DISTILL_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

TEST(StatusTest, AssignOrReturnPassesTheFirstFailureOn) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_THAT(Quarter(6), StatusIs(Code::kInvalidArgument, "odd"));
}

}  // namespace
}  // namespace distill
