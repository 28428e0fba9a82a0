#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "server/rpc/job_streams.h"
#include "server/store/sqlite_job_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_run_preparer.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {
namespace {

using ::distill::testing::HasCode;

constexpr size_t kBytes = size_t{1} << 20U;  // four pieces

// A file of a job that runs, and is sent without a network.
class ArtifactSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SqliteJobStoreOptions options;
    options.state_directory = ":memory:";
    store_ = std::move(OpenSqliteJobStore(options, clock_)).value();
    job_ = store_->InsertJobs({JobSpec{}}, "", "", 1).value().front();
    ASSERT_OK(store_->StartAttempt(job_, {"cpu"}, 5));
    folder_ = preparer_.RunDirectory(job_, 1);
    std::filesystem::create_directories(folder_);
    Write(content_);
    RunEventBatch batch;
    batch.events.push_back(
        {1, 10, ArtifactRecord{"best.safetensors", 1, kBytes, Sha256Hex(content_), "model", 10}});
    batch.next_offset = 100;
    ASSERT_OK(store_->StoreRunEvents(job_, 1, 0, batch));
  }

  void Write(const std::string& bytes) {
    ASSERT_OK(ReplaceFile(folder_ / "best.safetensors", bytes));
  }

  // What came of sending the file.
  struct Sent {
    int num_waits = 0;  // steps in which nothing was sent
    std::string bytes;
    Status status;
  };

  Sent Send(int64_t offset = 0) {
    v1::DownloadArtifactRequest request;
    request.set_offset(offset);
    auto source = MakeArtifactSource({*store_, preparer_, clock_, verified_}, job_, request);
    Sent sent;
    if (!source.ok()) sent.status = source.status();
    while (source.ok()) {
      v1::DownloadArtifactResponse message;
      const StreamStep step = (*source)->Next(message);
      sent.bytes += message.data();
      sent.num_waits += step.kind == StreamStep::Kind::kWait ? 1 : 0;
      sent.status = step.status;
      if (step.kind == StreamStep::Kind::kEnd) break;
    }
    return sent;
  }

  const std::string content_ = std::string(kBytes, 'm');
  testing::TempDir dir_;
  testing::FakeClock clock_;
  testing::FakeRunPreparer preparer_{dir_.path()};
  std::unique_ptr<JobStore> store_;
  VerifiedFiles verified_;
  JobId job_ = 0;
  std::filesystem::path folder_;
};

TEST_F(ArtifactSourceTest, ItsContentIsLookedAtInPiecesBetweenWhichOthersHaveTheirTurn) {
  const Sent sent = Send();

  EXPECT_OK(sent.status);
  EXPECT_EQ(sent.bytes, content_);
  EXPECT_EQ(sent.num_waits, 5);  // four pieces, and the comparison
}

TEST_F(ArtifactSourceTest, WhatWasLookedAtOnceIsSentAtOnceUntilItChanges) {
  Send();

  const Sent resumed = Send(kBytes - 10);
  EXPECT_EQ(resumed.bytes, std::string(10, 'm'));
  EXPECT_EQ(resumed.num_waits, 0);

  Write(content_);  // the same bytes in another file
  EXPECT_EQ(Send().num_waits, 5);
}

TEST_F(ArtifactSourceTest, NothingIsSentOfAFileThatIsNotWhatWasRegistered) {
  Write(std::string(kBytes - 1, 'm') + "n");
  const Sent other = Send();
  EXPECT_THAT(other.status, HasCode(Code::kUnavailable));
  EXPECT_EQ(other.bytes, "");

  Write("short");
  EXPECT_THAT(Send().status, HasCode(Code::kUnavailable));
  Write(content_);
  EXPECT_OK(Send().status);
}

TEST(VerifiedFilesTest, TheOldestAreForgottenFirst) {
  VerifiedFiles files;
  FileStamp stamp;
  for (uint64_t inode = 1; inode <= 5000; ++inode) {
    stamp.inode = inode;
    files.Add(stamp, std::to_string(inode));
  }

  EXPECT_EQ(files.Find(stamp), "5000");
  stamp.changed_unix_ns = 1;
  EXPECT_EQ(files.Find(stamp), "");
  stamp = FileStamp{};
  stamp.inode = 1;
  EXPECT_EQ(files.Find(stamp), "");
}

}  // namespace
}  // namespace distill::server
