// A disk that fills up, at every write in turn: a small tmpfs holds the state folder.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <optional>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/small_disk.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;

class DiskFull : public CrashLab {
 protected:
  void SetUp() override {
    CrashLab::SetUp();
    disk_.emplace(folder() / "disk", 24);
    if (!disk_->obstacle().empty()) GTEST_SKIP() << disk_->obstacle();
    MoveState(folder() / "disk" / "state");
    AddArguments({"--min-free-disk-mib", "1"});
  }

  void TearDown() override {
    CrashLab::TearDown();
    disk_.reset();
  }

  // Leaves so many bytes free.
  void FillUpTo(int64_t bytes) { disk_->FillUpTo(bytes); }
  void MakeSpace() { disk_->MakeSpace(); }

 private:
  std::optional<SmallDisk> disk_;
};

TEST_F(DiskFull, AtAnyWriteLosesNothingAcknowledgedAndGoesOnWithSpace) {
  SetScript("started;epochs 1 10;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  std::vector<std::string> acknowledged;
  constexpr int kMost = 60;  // what the small disk holds
  const int num_fillings = std::min(NumCycles(6), kMost);
  int num_refused = 0;
  for (int i = 0; i < num_fillings && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    FillUpTo(4096 * (i % 12));
    for (int k = 0; k < 4; ++k) {
      const auto job = Submit(TrainRequest(std::to_string(i)), "");
      if (job.ok()) acknowledged.push_back(job->id());
      if (!job.ok()) {
        ++num_refused;
        EXPECT_EQ(job.status().code(), Code::kResourceExhausted) << job.status().ToString();
      }
    }
    EXPECT_TRUE(Info().ok());
    if (i % 3 == 2) {
      EndDaemon(SIGKILL);
      MakeSpace();
      ASSERT_TRUE(StartDaemon());
    }
    MakeSpace();
    const auto job = Submit(TrainRequest("with space"), "");
    ASSERT_TRUE(job.ok()) << job.status().ToString();
    acknowledged.push_back(job->id());
    EXPECT_TRUE(Eventually(kLimit, [&] { return Health() == kServing; }));
  }

  EXPECT_GT(num_refused, 0);
  for (const std::string& job : acknowledged) AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ListAll()->size(), acknowledged.size());
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
  EXPECT_EQ(Admin({"doctor", "--min-free-disk-mib", "1"}, folder() / "doctor.out"), 0)
      << ContentOf(folder() / "doctor.out");
}

TEST_F(DiskFull, IsToldInHealthAndByWaitingJobsAndForgottenWithSpace) {
  SetScript("started;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string running = Submit(TrainRequest("running"), "")->id();
  AwaitState(running, v1::JOB_STATE_RUNNING);
  FillUpTo(300 * 1024);
  const auto waiting = Submit(TrainRequest("waiting"), "");
  ASSERT_TRUE(waiting.ok()) << waiting.status().ToString();
  EXPECT_TRUE(Eventually(kLimit, [&] {
    return Get(waiting->id())->message().find("disk is nearly full") != std::string::npos;
  }));
  FillUpTo(0);
  EXPECT_TRUE(Eventually(kLimit, [&] {
    static_cast<void>(Submit(TrainRequest("more"), "").ok());
    return Health() == kNotServing;
  }));
  EXPECT_THAT(Info()->trouble(), HasSubstr("the disk is full"));

  MakeSpace();
  std::ofstream(RunDirectory(running, 1) / "go") << "";

  AwaitState(running, v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(Eventually(kLimit, [&] { return Health() == kServing; }));
  const auto attempt = AwaitWorker(waiting->id());
  EXPECT_GT(attempt, 0);
  std::ofstream(RunDirectory(waiting->id(), 1) / "go") << "";
  AwaitState(waiting->id(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(DiskFull, OfAWorkersJournalCostsAnAttemptAndNoJob) {
  SetScript("started;wait filled;burst 1 500000;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  const std::string job = Submit(TrainRequest(), "")->id();
  AwaitState(job, v1::JOB_STATE_RUNNING);
  const pid_t worker = AwaitWorker(job);
  SetScript("started;epoch 1 0.5;outcome 8 0");
  FillUpTo(1 << 20);

  std::ofstream(RunDirectory(job, 1) / "filled") << "";
  ASSERT_TRUE(Eventually(kLimit, [&] { return !server::StartTicks(worker); }));
  EXPECT_TRUE(Info().ok());
  MakeSpace();

  AwaitState(job, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Get(job)->attempts_size(), 2);
  EXPECT_EQ(Metrics(job)->series(0).points_size(), 1);
}

}  // namespace
}  // namespace distill::testing
