#include "core/eval/input_reading.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>

#include <new>

#include "core/base/durable_file.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::IsOk;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class InputReadingTest : public ::testing::Test {
 protected:
  InputReadingTest() {
    EXPECT_OK(ReplaceFile(path_, "abc"));
    inputs_ = {HashFile("teacher", path_)};
  }

  void Replace() { EXPECT_OK(ReplaceFile(path_, "abd")); }

  // The file changed, and this is how reading it failed.
  static auto ChangedWith(const std::string& words) {
    return StatusIs(Code::kAborted, AllOf(HasSubstr("teacher: the file changed"),
                                          HasSubstr("reading it failed: " + words)));
  }

  distill::testing::TempDir dir_;
  const std::filesystem::path path_ = dir_.path() / "teacher.pth";
  std::vector<HashedFile> inputs_;
};

TEST_F(InputReadingTest, WhatCameOfReadingFilesThatStayIsPassedOn) {
  EXPECT_THAT(ReadInputs(inputs_, [] { return Status(); }), IsOk());
  EXPECT_THAT(ReadInputs(inputs_, [] { return Status(Code::kDataLoss, "torn"); }),
              StatusIs(Code::kDataLoss, "torn"));
}

TEST_F(InputReadingTest, AnErrorThatIsReturnedForAFileThatChangedIsToldAfterThat) {
  EXPECT_THAT(ReadInputs(inputs_,
                         [&] {
                           Replace();
                           return Status(Code::kInvalidArgument, "not a weights file");
                         }),
              ChangedWith("not a weights file"));
}

TEST_F(InputReadingTest, AnErrorThatLibTorchThrowsForAFileThatChangedIsToldAfterThat) {
  EXPECT_THAT(ReadInputs(inputs_,
                         [&]() -> Status {
                           Replace();
                           TORCH_CHECK(false, "sizes do not match");
                         }),
              ChangedWith("sizes do not match"));
  EXPECT_THAT(ReadInputs(inputs_, []() -> Status { throw std::bad_alloc(); }),
              ChangedWith("std::bad_alloc"));
}

TEST_F(InputReadingTest, WhatIsThrownForFilesThatStayIsWhatItMeans) {
  EXPECT_THAT(ReadInputs(inputs_, []() -> Status { TORCH_CHECK(false, "sizes do not match"); }),
              StatusIs(Code::kInternal, "sizes do not match"));
  EXPECT_THAT(ReadInputs(inputs_, []() -> Status { throw std::bad_alloc(); }),
              StatusIs(Code::kResourceExhausted, "std::bad_alloc"));
}

}  // namespace
}  // namespace distill::core
