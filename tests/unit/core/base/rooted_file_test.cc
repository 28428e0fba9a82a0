#include "core/base/rooted_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RootedFileTest : public ::testing::Test {
 protected:
  RootedFileTest() {
    fs::create_directories(root());
    EXPECT_OK(ReplaceFile(root() / "own", "mine"));
    EXPECT_OK(ReplaceFile(secret(), "secret"));
  }

  fs::path folder() const { return fs::canonical(directory_.path()); }
  fs::path root() const { return folder() / "data"; }
  fs::path secret() const { return folder() / "secret"; }

  Result<std::string> Read(const fs::path& path) const {
    return ReadFileInside(path, {root()}, 100);
  }

  // Makes a link in the root and returns its path.
  fs::path Link(const fs::path& target) const {
    fs::remove(root() / "link");
    fs::create_symlink(target, root() / "link");
    return root() / "link";
  }

  TempDir directory_;
};

TEST_F(RootedFileTest, AFileInARootIsReadUnderAnyNameThatLeadsToIt) {
  EXPECT_EQ(Read(root() / "own").value(), "mine");
  EXPECT_EQ(Read(Link("own")).value(), "mine");
  fs::create_directory_symlink(root(), folder() / "alias");
  EXPECT_EQ(Read(folder() / "alias" / "own").value(), "mine");
  EXPECT_EQ(ReadFileInside(root() / "own", {folder() / "alias"}, 100).value(), "mine");
}

TEST_F(RootedFileTest, NothingOutsideTheRootsIsReadAndNothingToldOfIt) {
  EXPECT_THAT(Read(secret()), HasCode(Code::kPermissionDenied));
  EXPECT_THAT(Read(root() / ".." / "secret"), HasCode(Code::kPermissionDenied));
  EXPECT_THAT(Read(folder() / "data-2" / "x"), HasCode(Code::kPermissionDenied));
  const Status there = Read(Link(secret())).status();
  EXPECT_THAT(there, StatusIs(Code::kPermissionDenied,
                              AllOf(HasSubstr("link: leads outside"), Not(HasSubstr("secret")))));
  EXPECT_EQ(Read(Link(folder() / "absent")).status().ToString(), there.ToString());
  fs::create_directory(folder() / "folder");
  EXPECT_EQ(Read(Link(folder() / "folder")).status().ToString(), there.ToString());
}

TEST_F(RootedFileTest, AFolderThatBecameALinkLeadsNowhereElse) {
  fs::create_directory(root() / "sub");
  fs::create_directory(folder() / "other");
  EXPECT_OK(ReplaceFile(folder() / "other" / "own", "of others"));
  fs::remove(root() / "sub");
  fs::create_directory_symlink(folder() / "other", root() / "sub");

  EXPECT_THAT(Read(root() / "sub" / "own"), HasCode(Code::kPermissionDenied));
}

TEST_F(RootedFileTest, OnlyARegularFileIsOpenedAndAPipeIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((root() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(Read(root() / "pipe"),
              StatusIs(Code::kInvalidArgument, HasSubstr("pipe: not a regular file")));
  EXPECT_THAT(Read(root()), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(ReadFileInside("/dev/zero", {}, 100), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(Read(root() / "absent"), HasCode(Code::kNotFound));
}

TEST_F(RootedFileTest, MoreThanTheLimitIsRefused) {
  EXPECT_THAT(ReadFileInside(root() / "own", {root()}, 3), HasCode(Code::kResourceExhausted));
}

TEST_F(RootedFileTest, WithoutRootsAFileMayLieAnywhere) {
  EXPECT_EQ(ReadFileInside(Link(secret()), {}, 100).value(), "secret");
  EXPECT_FALSE(IsInside(secret(), {}));
}

}  // namespace
}  // namespace distill
