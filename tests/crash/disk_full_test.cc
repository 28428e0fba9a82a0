// A disk that fills up, at every write in turn: a small tmpfs holds the state folder.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include "core/base/durable_file.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;

// Mounts in a namespace of this thread's: nothing is left behind, whatever happens.
std::string MountSmallDisk(const std::filesystem::path& place) {
  std::filesystem::create_directories(place);
  if (::unshare(CLONE_NEWNS) != 0)
    return std::string("no mount namespace: ") + std::strerror(errno);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=24m") != 0) {
    return std::string("no mount: ") + std::strerror(errno);
  }
  return "";
}

class DiskFull : public CrashLab {
 protected:
  void SetUp() override {
    CrashLab::SetUp();
    const std::string obstacle = MountSmallDisk(disk());
    if (!obstacle.empty()) GTEST_SKIP() << obstacle << "; run it as root, or under unshare -rm";
    MoveState(disk() / "state");
    AddArguments({"--min-free-disk-mib", "1"});
  }

  void TearDown() override {
    CrashLab::TearDown();
    ::umount2(disk().c_str(), MNT_DETACH);
  }

  std::filesystem::path disk() const { return folder() / "disk"; }
  std::filesystem::path ballast() const { return disk() / "ballast"; }

  int64_t Free() const {
    struct statvfs info {};
    EXPECT_EQ(::statvfs(disk().c_str(), &info), 0);
    return static_cast<int64_t>(info.f_bavail * info.f_frsize);
  }

  // Leaves so many bytes free.
  void FillUpTo(int64_t bytes) {
    std::ofstream file(ballast(), std::ios::binary);
    const std::string block(4096, 'x');
    while (Free() > bytes && file.write(block.data(), 4096).flush()) {
    }
  }

  void MakeSpace() { std::filesystem::remove(ballast()); }
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
