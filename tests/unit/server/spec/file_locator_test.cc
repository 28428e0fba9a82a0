#include "server/spec/file_locator.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
namespace fs = std::filesystem;

class FileLocatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(dir_.path() / "root");
    std::ofstream(dir_.path() / "root" / "inside.pth") << "x";
    std::ofstream(dir_.path() / "outside.pth") << "x";
  }

  fs::path root() const { return dir_.path() / "root"; }
  FileLocator Files() const { return FileLocator({{root()}, {root()}, root()}); }

  testing::TempDir dir_;
};

TEST_F(FileLocatorTest, FindsAFileByAbsoluteOrRelativePath) {
  const std::string real = fs::canonical(root() / "inside.pth");

  EXPECT_EQ(Files().FindWeights((root() / "inside.pth").string()).value(), real);
  EXPECT_EQ(Files().FindWeights("inside.pth").value(), real);
}

TEST_F(FileLocatorTest, RefusesPathsThatLeaveTheRoots) {
  fs::create_symlink(dir_.path() / "outside.pth", root() / "link.pth");

  for (const std::string path : {"../outside.pth", "link.pth", "/etc/passwd"}) {
    EXPECT_THAT(Files().FindWeights(path),
                StatusIs(Code::kInvalidArgument, HasSubstr("must lie inside")));
  }
}

TEST_F(FileLocatorTest, SaysTheSameOfPathsOutsideWhetherTheyExistOrNot) {
  EXPECT_EQ(Files().FindWeights("/etc/passwd").status(),
            Files().FindWeights("/etc/no-such-file").status());
  fs::create_symlink("/etc/passwd", root() / "there.pth");
  fs::create_symlink("/etc/no-such-file", root() / "nowhere.pth");
  EXPECT_EQ(Files().FindWeights("there.pth").status(), Files().FindWeights("nowhere.pth").status());
}

TEST_F(FileLocatorTest, RefusesWhatIsMissingOrNoRegularFile) {
  fs::create_directory(root() / "folder");

  EXPECT_THAT(Files().FindWeights("missing.pth"),
              StatusIs(Code::kInvalidArgument, HasSubstr("no such file")));
  EXPECT_THAT(Files().FindWeights("folder"),
              StatusIs(Code::kInvalidArgument, HasSubstr("regular file")));
  EXPECT_THAT(Files().FindWeights(std::string("a\0b", 3)), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(Files().FindWeights(""), HasCode(Code::kInvalidArgument));
}

TEST_F(FileLocatorTest, DatasetMayBeAFolderAndMustBeAbsolute) {
  EXPECT_THAT(Files().FindDataset(root().string()), IsOk());
  EXPECT_THAT(Files().FindDataset("root"), StatusIs(Code::kInvalidArgument, HasSubstr("absolute")));
}

}  // namespace
}  // namespace distill::server
