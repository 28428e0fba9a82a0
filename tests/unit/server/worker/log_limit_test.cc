#include "server/worker/log_limit.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "core/base/durable_file.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using testing::IsOk;

constexpr int64_t kKiB = 1024;

class LogLimitTest : public ::testing::Test {
 protected:
  void Append(int64_t bytes, char filling) {
    std::ofstream(log_, std::ios::app) << std::string(static_cast<size_t>(bytes), filling);
  }
  int64_t BytesOnDisk() {
    struct stat facts {};
    ::stat(log_.c_str(), &facts);
    return facts.st_blocks * 512;
  }

  testing::TempDir folder_;
  const std::filesystem::path log_ = folder_.path() / "worker.log";
};

TEST_F(LogLimitTest, TheEndStaysWhereItIsAndTheDiskOfTheFrontIsGivenBack) {
  Append(1024 * kKiB, 'a');
  Append(100 * kKiB, 'b');

  ASSERT_THAT(LimitLog(log_, 256 * kKiB), IsOk());

  EXPECT_EQ(std::filesystem::file_size(log_), 1124 * kKiB);
  EXPECT_LE(BytesOnDisk(), 384 * kKiB);
  const std::string content = ReadFile(log_).value();
  EXPECT_EQ(content.substr(1024 * kKiB), std::string(100 * kKiB, 'b'));
  EXPECT_EQ(content[0], '\0');
  EXPECT_EQ(content[1023 * kKiB], 'a');
}

TEST_F(LogLimitTest, ALogOfOrdinarySizeIsLeftAlone) {
  Append(256 * kKiB, 'a');

  ASSERT_THAT(LimitLog(log_, 256 * kKiB), IsOk());

  EXPECT_EQ(ReadFile(log_).value(), std::string(256 * kKiB, 'a'));
}

TEST_F(LogLimitTest, ItIsCutAgainAndAgainAsItGrows) {
  for (int round = 0; round < 20; ++round) {
    Append(128 * kKiB, 'a');
    ASSERT_THAT(LimitLog(log_, 256 * kKiB), IsOk());
    EXPECT_LE(BytesOnDisk(), 512 * kKiB);
  }
}

TEST_F(LogLimitTest, ALinkInPlaceOfTheLogIsNotFollowed) {
  Append(1024 * kKiB, 'a');
  std::filesystem::rename(log_, folder_.path() / "other");
  std::filesystem::create_symlink(folder_.path() / "other", log_);

  static_cast<void>(LimitLog(log_, 256 * kKiB).ok());

  EXPECT_EQ(ReadFile(folder_.path() / "other").value()[0], 'a');
}

TEST_F(LogLimitTest, ZeroIsNoLimitAndALogThatIsNotThereIsNoError) {
  EXPECT_THAT(LimitLog(log_, 256 * kKiB), IsOk());
  Append(1024 * kKiB, 'a');

  ASSERT_THAT(LimitLog(log_, 0), IsOk());

  EXPECT_EQ(ReadFile(log_).value()[0], 'a');
}

}  // namespace
}  // namespace distill::server
