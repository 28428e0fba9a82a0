#include "core/base/durable_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::TempDir;

TEST(DurableFileTest, ReplaceShowsTheNewContentAndLeavesNoOtherFile) {
  const TempDir dir;
  const auto path = dir.path() / "file";
  ASSERT_OK(ReplaceFile(path, "old"));

  ASSERT_OK(ReplaceFile(path, "new"));

  EXPECT_EQ(ReadFile(path).value(), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(DurableFileTest, FailedWriteKeepsTheOldContentAndLeavesNoTemporaryFile) {
  const TempDir dir;
  const auto path = dir.path() / "file";
  ASSERT_OK(ReplaceFile(path, "old"));

  const Status status =
      ReplaceFileWith(path, [](int) { return Status(Code::kResourceExhausted, "disk is full"); });

  EXPECT_THAT(status, HasCode(Code::kResourceExhausted));
  EXPECT_EQ(ReadFile(path).value(), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(DurableFileTest, LinkInPlaceOfTheTemporaryFileIsNotFollowed) {
  const TempDir dir;
  ASSERT_OK(ReplaceFile(dir.path() / "secret", "kept"));
  std::filesystem::create_symlink(dir.path() / "secret", dir.path() / "file.tmp");

  EXPECT_FALSE(ReplaceFile(dir.path() / "file", "new").ok());

  EXPECT_EQ(ReadFile(dir.path() / "secret").value(), "kept");
  EXPECT_OK(ReplaceFile(dir.path() / "file", "new"));
}

TEST(DurableFileTest, FullDiskIsResourceExhausted) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_THAT(WriteAll(full.get(), "x", "/dev/full"), HasCode(Code::kResourceExhausted));
}

TEST(DurableFileTest, ReadRefusesAFileOverItsLimit) {
  const TempDir dir;
  ASSERT_OK(ReplaceFile(dir.path() / "file", "12345"));

  EXPECT_THAT(ReadFile(dir.path() / "file", /*max_bytes=*/4), HasCode(Code::kResourceExhausted));
}

}  // namespace
}  // namespace distill
