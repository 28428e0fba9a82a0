#include "client/artifact_download.h"

#include <gmock/gmock.h>

#include <fstream>

#include "core/base/durable_file.h"
#include "core/base/random.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/client/fake_server.h"

namespace distill::client {
namespace {

namespace fs = std::filesystem;
using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::ElementsAre;
using testing::FakeServer;
using ::testing::HasSubstr;

std::string SomeBytes(size_t count) {
  Random random(1);
  std::string bytes;
  for (size_t index = 0; index < count; ++index) bytes += static_cast<char>(random() & 0x7FU);
  return bytes;
}

class ArtifactDownloadTest : public ::testing::Test {
 protected:
  ArtifactDownloadTest() : client_(Options()) { server_.jobs.content = SomeBytes(5500); }

  JobClientOptions Options() const {
    JobClientOptions options;
    options.access.server = server_.address();
    options.first_backoff = std::chrono::milliseconds(1);
    return options;
  }

  fs::path file() const { return directory_.path() / "student.safetensors"; }
  fs::path part() const { return directory_.path() / "student.safetensors.part"; }

  Result<v1::Artifact> Download() {
    ArtifactDownload download;
    download.job = "7";
    download.file = file();
    return DownloadToFile(client_, download);
  }

  FakeServer server_;
  JobClient client_;
  ::distill::testing::TempDir directory_;
};

TEST_F(ArtifactDownloadTest, TheFileHasTheServersBytesAndNoPartIsLeft) {
  const auto artifact = Download();

  ASSERT_OK(artifact);
  EXPECT_EQ(artifact->name(), "best.safetensors");
  EXPECT_EQ(ReadFile(file()).value(), server_.jobs.content);
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(ArtifactDownloadTest, ABrokenStreamIsResumedWhereItBroke) {
  server_.jobs.break_after = {2000, 1500};

  ASSERT_OK(Download());

  EXPECT_THAT(server_.jobs.download_offsets, ElementsAre(0, 2000, 3500));
  EXPECT_EQ(ReadFile(file()).value(), server_.jobs.content);
}

TEST_F(ArtifactDownloadTest, ThePartOfAnEarlierAttemptIsContinued) {
  std::ofstream(part(), std::ios::binary) << server_.jobs.content.substr(0, 1234);

  ASSERT_OK(Download());

  EXPECT_THAT(server_.jobs.download_offsets, ElementsAre(1234));
  EXPECT_EQ(ReadFile(file()).value(), server_.jobs.content);
}

TEST_F(ArtifactDownloadTest, ThePartOfAnotherFileIsThrownAway) {
  std::ofstream(part(), std::ios::binary) << std::string(1234, 'x');

  ASSERT_OK(Download());

  EXPECT_THAT(server_.jobs.download_offsets, ElementsAre(1234, 0));
  EXPECT_EQ(ReadFile(file()).value(), server_.jobs.content);
}

TEST_F(ArtifactDownloadTest, APartLongerThanTheFileIsThrownAway) {
  std::ofstream(part(), std::ios::binary) << std::string(9999, 'x');

  ASSERT_OK(Download());

  EXPECT_EQ(ReadFile(file()).value(), server_.jobs.content);
}

TEST_F(ArtifactDownloadTest, ADamagedPieceIsFetchedAgain) {
  int pieces = 0;
  server_.jobs.tamper = [&pieces](v1::DownloadArtifactResponse& piece) {
    if (++pieces == 3) (*piece.mutable_data())[0] ^= 1;
  };

  ASSERT_OK(Download());

  EXPECT_THAT(server_.jobs.download_offsets, ElementsAre(0, 2000));
  EXPECT_EQ(ReadFile(file()).value(), server_.jobs.content);
}

TEST_F(ArtifactDownloadTest, AWrongSha256LeavesNeitherFileNorPart) {
  server_.jobs.tamper = [](v1::DownloadArtifactResponse& piece) {
    if (piece.has_artifact()) piece.mutable_artifact()->set_sha256(std::string(64, '0'));
  };
  std::ofstream(file()) << "the old model";

  EXPECT_THAT(Download(), StatusIs(Code::kDataLoss, HasSubstr("SHA-256")));

  EXPECT_EQ(ReadFile(file()).value(), "the old model");
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(ArtifactDownloadTest, AServerThatStaysAwayEndsItAndKeepsThePart) {
  server_.jobs.break_after = {2000, 0, 0, 0, 0, 0, 0, 0};

  const auto artifact = Download();

  EXPECT_THAT(artifact, HasCode(Code::kUnavailable));
  EXPECT_EQ(fs::file_size(part()), 2000U);
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(ArtifactDownloadTest, AFolderThatIsNotThereIsNoServerProblem) {
  ArtifactDownload download;
  download.file = directory_.path() / "no" / "such" / "x.safetensors";

  EXPECT_THAT(DownloadToFile(client_, download),
              StatusIs(Code::kResourceExhausted, HasSubstr("open")));
}

}  // namespace
}  // namespace distill::client
