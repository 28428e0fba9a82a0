#include "core/base/hashed_file.h"

#include <gmock/gmock.h>

#include <chrono>
#include <fstream>

#include "core/base/durable_file.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill {
namespace {

using ::distill::testing::Eventually;
using ::distill::testing::IsOk;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// FIPS 180-4's own example.
constexpr char kHashOfLetters[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class HashedFileTest : public ::testing::Test {
 protected:
  HashedFileTest() { EXPECT_OK(ReplaceFile(path_, "abc")); }

  // Writes into the file itself, until its times tell it: they are as coarse as the kernel's clock.
  void WriteInPlace(const std::string& bytes) {
    const auto before = StampOf(path_);
    EXPECT_TRUE(Eventually(std::chrono::seconds(10), [&] {
      std::ofstream(path_, std::ios::binary | std::ios::in | std::ios::out) << bytes;
      return !(StampOf(path_) == before);
    }));
  }

  TempDir directory_;
  const std::filesystem::path path_ = directory_.path() / "teacher.pth";
};

TEST_F(HashedFileTest, AFileThatStaysIsPassedWithWhatCameOfReadingIt) {
  const HashedFile file = HashFile("teacher", path_);

  EXPECT_EQ(file.sha256, kHashOfLetters);
  EXPECT_THAT(CheckUnchanged({file}, Status()), IsOk());
  EXPECT_THAT(CheckUnchanged({file}, {Code::kDataLoss, "torn"}),
              StatusIs(Code::kDataLoss, HasSubstr("torn")));
}

TEST_F(HashedFileTest, AFileThatWasWrittenOverIsNamedWithTheRemedy) {
  const HashedFile file = HashFile("teacher", path_);
  WriteInPlace("abd");

  const auto is_changed =
      StatusIs(Code::kAborted, AllOf(HasSubstr("teacher: the file changed"), HasSubstr("rename"),
                                     HasSubstr(path_.string())));
  EXPECT_THAT(CheckUnchanged({file}, Status()), is_changed);
  // What was read of a file that changes may be torn: that it changed is the cause.
  const Status torn = CheckUnchanged({file}, {Code::kDataLoss, "torn"});
  EXPECT_THAT(torn, is_changed);
  EXPECT_THAT(torn.message(), HasSubstr("; reading it failed: torn"));
}

TEST_F(HashedFileTest, AnotherFileOfTheSameSizeAndTimeIsNoticed) {
  const HashedFile file = HashFile("teacher", path_);
  const auto modified = std::filesystem::last_write_time(path_);
  EXPECT_OK(ReplaceFile(path_, "abd"));
  std::filesystem::last_write_time(path_, modified);

  EXPECT_THAT(CheckUnchanged({file}, Status()), StatusIs(Code::kAborted, HasSubstr("changed")));
}

TEST_F(HashedFileTest, ALinkThatLeadsElsewhereIsNoticed) {
  const auto link = directory_.path() / "newest.pth";
  EXPECT_OK(ReplaceFile(directory_.path() / "other.pth", "abc"));
  std::filesystem::create_symlink(path_, link);
  const HashedFile file = HashFile("teacher", link);
  std::filesystem::remove(link);
  std::filesystem::create_symlink(directory_.path() / "other.pth", link);

  EXPECT_THAT(CheckUnchanged({file}, Status()), StatusIs(Code::kAborted, HasSubstr("changed")));
}

TEST_F(HashedFileTest, AFileThatWasNotThereCountsAsChangedOnlyOnceItWasRead) {
  const HashedFile file = HashFile("teacher", directory_.path() / "absent.pth");

  EXPECT_EQ(file.sha256, "");
  EXPECT_THAT(CheckUnchanged({file}, {Code::kNotFound, "no such file"}),
              StatusIs(Code::kNotFound, HasSubstr("no such file")));
  EXPECT_THAT(CheckUnchanged({file}, Status()), StatusIs(Code::kAborted, HasSubstr("changed")));
}

}  // namespace
}  // namespace distill
