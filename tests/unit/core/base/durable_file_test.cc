#include "core/base/durable_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::HasSubstr;

TEST(DurableFileTest, ReplaceShowsTheNewContentAndLeavesNoOtherFile) {
  const TempDir dir;
  const auto path = dir.path() / "file";
  ASSERT_OK(ReplaceFile(path, "old"));

  ASSERT_OK(ReplaceFile(path, "new"));

  EXPECT_EQ(ReadFile(path).value(), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(DurableFileTest, AFileIsForItsOwnerOrForWhomTheUmaskLets) {
  const TempDir dir;
  const mode_t former = ::umask(022);
  EXPECT_OK(ReplaceFile(dir.path() / "secret", "x"));
  EXPECT_OK(ReplaceFile(dir.path() / "model", "x", FileAccess::kUmask));
  ::umask(former);

  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(dir.path() / "secret").permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(dir.path() / "model").permissions(), fs::perms(0644));
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

TEST(DurableFileTest, StorageThatFailsIsToldApartFromAWrongName) {
  const TempDir dir;

  EXPECT_THAT(ReadFile(dir.path()), StatusIs(Code::kInvalidArgument,
                                             HasSubstr(dir.path().string() + ": Is a directory")));
  EXPECT_THAT(ReadFile(dir.path() / "absent"), HasCode(Code::kNotFound));
  // Nothing is mapped at address 0: the kernel gives EIO, as of a disk that fails.
  EXPECT_THAT(ReadFile("/proc/self/mem"),
              StatusIs(Code::kAborted, "read /proc/self/mem: Input/output error"));
}

TEST(DurableFileTest, WhyAFileCannotBeReadIsItsNameItsRightsOrItsStorage) {
  for (const int name : {EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG}) {
    EXPECT_THAT(ReadErrnoStatus("read x", name), HasCode(Code::kInvalidArgument)) << name;
  }
  for (const int storage : {EIO, ESTALE, ENXIO, ETIMEDOUT, EMFILE}) {
    EXPECT_THAT(ReadErrnoStatus("read x", storage), HasCode(Code::kAborted)) << storage;
  }
  EXPECT_THAT(ReadErrnoStatus("read x", ENOENT), HasCode(Code::kNotFound));
  EXPECT_THAT(ReadErrnoStatus("read x", EACCES), HasCode(Code::kPermissionDenied));
  EXPECT_THAT(ReadErrnoStatus("read x", ENOMEM), HasCode(Code::kResourceExhausted));
}

}  // namespace
}  // namespace distill
