// What becomes of a run whose checkpoint cannot be written, or was spoilt.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <optional>

#include "tests/e2e/lab.h"
#include "tests/eventually.h"
#include "tests/small_disk.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::chrono::seconds kPatience{120};

class FullDisk : public Lab {
 protected:
  void SetUp() override {
    // Of more than the default of min_free_disk_mib, so that jobs start.
    disk_.emplace(folder() / "state", 2048);
    if (!disk_->obstacle().empty()) GTEST_SKIP() << disk_->obstacle();
    Lab::SetUp();
  }

  void TearDown() override {
    Lab::TearDown();
    disk_.reset();
  }

  std::optional<SmallDisk> disk_;
};

TEST_F(FullDisk, AtACheckpointMakesTheJobWaitAndGoOnFromTheFormerOne) {
  constexpr int64_t kForDatabases = 4 << 20;
  Train("job", "mobilenetv2", 10'000);
  AwaitEpoch("job", 2);

  // Checkpoints that are replaced give space back, which is taken again.
  ASSERT_TRUE(Eventually(kPatience, [&] {
    disk_->FillUpTo(kForDatabases);
    return State("job") == "JOB_STATE_QUEUED";
  }));

  const nlohmann::json ended = Job("job")["attempts"].back();
  EXPECT_EQ(ended.value("cause", ""), "CAUSE_STORAGE");
  EXPECT_THAT(ended.value("message", ""),
              AllOf(HasSubstr("No space left on device"), HasSubstr("make space")));
  EXPECT_TRUE(Eventually(kPatience, [&] {
    return Job("job").value("message", "").find("disk is nearly full") != std::string::npos;
  }));
  const int epochs_done = EpochsDone("job");
  disk_->MakeSpace();
  AwaitEpoch("job", epochs_done + 1);
  const nlohmann::json attempts = Job("job")["attempts"];
  ASSERT_THAT(attempts, SizeIs(2));
  EXPECT_THAT(attempts[1].value("resumed_from_epoch", 0), Ge(2));
  CtlOk({"cancel", "--wait", "job"});
}

using SpoiltCheckpoint = Lab;

TEST_F(SpoiltCheckpoint, OfTheLastEpochCostsThatEpochAndNotTheRun) {
  Train("job", "mobilenetv2", 10'000);
  AwaitEpoch("job", 3);
  CtlOk({"pause", "job"});
  ASSERT_TRUE(Eventually(kPatience, [&] { return State("job") == "JOB_STATE_PAUSED"; }));
  const int epochs_done = EpochsDone("job");
  const std::filesystem::path last =
      folder() / "state" / "runs" / Job("job").value("id", "") / "1" / "last.ckpt";
  std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(last) / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get() ^ 0x40);
  file.seekp(middle);
  file.put(byte);
  file.close();

  CtlOk({"resume", "job"});
  AwaitEpoch("job", epochs_done + 1);

  const nlohmann::json attempts = Job("job")["attempts"];
  ASSERT_THAT(attempts, SizeIs(2));
  const int resumed_from = attempts[1].value("resumed_from_epoch", 0);
  EXPECT_GE(resumed_from, 2);
  EXPECT_LE(resumed_from, epochs_done);
  EXPECT_THAT(CtlOk({"logs", "job"}), HasSubstr("checkpoint passed over"));
  CtlOk({"cancel", "--wait", "job"});
}

}  // namespace
}  // namespace distill::testing
