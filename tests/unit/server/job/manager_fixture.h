#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/job/job_manager.h"
#include "server/store/sqlite_job_store.h"
#include "tests/eventually.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_device_catalog.h"
#include "tests/fakes/fake_run_preparer.h"
#include "tests/fakes/fake_worker_launcher.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {

inline RunKey JobRun(JobId id, int attempt = 1) { return {RunKey::Kind::kJob, id, attempt}; }

/// A manager with a real store in memory, and fakes around it.
class ManagerFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    SqliteJobStoreOptions options;
    options.state_directory = ":memory:";
    auto store = OpenSqliteJobStore(options, clock_);
    ASSERT_OK(store);
    store_ = std::move(store).value();
    StartManager();
  }
  void TearDown() override { manager_->Stop(); }

  void StartManager() {
    launcher_ = std::make_unique<testing::FakeWorkerLauncher>();
    CreateManager();
    ASSERT_OK(manager_->Start());
  }

  void CreateManager() {
    JobManagerOptions options;
    options.max_queued_jobs = 5;
    options.tick = std::chrono::milliseconds(2);
    options.policy = policy_;
    manager_ =
        JobManager::Create(options, {*store_, *launcher_, preparer_, devices_, events_, clock_});
  }

  // As a daemon that dies and comes back: only the store is kept.
  void StopManager() { manager_.reset(); }

  static JobSpec Spec(std::string name, std::vector<JobId> depends_on = {}) {
    JobSpec spec;
    spec.name = std::move(name);
    spec.owner = "ann";
    spec.num_epochs = 4;
    spec.max_interruptions = 2;
    spec.depends_on = std::move(depends_on);
    return spec;
  }

  JobId Create(const JobSpec& spec) {
    const auto jobs = manager_->CreateJobs({spec}, "", "");
    EXPECT_OK(jobs);
    return jobs.ok() ? jobs->front().id : 0;
  }

  JobId CreateRunning(const JobSpec& spec) {
    const JobId id = Create(spec);
    EXPECT_TRUE(HasStarted(JobRun(id)));
    EXPECT_OK(launcher_->Emit(JobRun(id), {WorkerStarted{0, 4, 10}}));
    return id;
  }

  void Succeed(const RunKey& key) {
    EXPECT_OK(launcher_->Emit(key, {WorkerOutcome{JobState::kSucceeded, Cause::kNone, ""}}));
    launcher_->Exit(key, {true, 0, 0});
  }

  bool HasStarted(const RunKey& key) {
    return Soon([&] { return launcher_->HasStarted(key); });
  }
  // Lets `delay` pass until the run has started: the delay may begin after this is called.
  bool HasStartedAfter(std::chrono::milliseconds delay, const RunKey& key) {
    return Soon([&] {
      clock_.Advance(delay);
      return launcher_->HasStarted(key);
    });
  }
  bool Becomes(JobId id, JobState state) {
    return Soon([&] { return Job(id).state == state; });
  }
  template <typename Condition>
  bool Soon(Condition condition) {
    return testing::Eventually(std::chrono::seconds(10), condition);
  }

  JobRecord Job(JobId id) {
    auto job = store_->FindJob(id);
    return job.ok() ? std::move(job).value() : JobRecord();
  }
  std::vector<JobState> Course(JobId id) {
    std::vector<JobState> states;
    const auto events = store_->ListEvents(id, 0);
    for (const JobEventRecord& event : *events) states.push_back(event.transition.to);
    return states;
  }

  // Of the next manager.
  SchedulerPolicy policy_;
  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::unique_ptr<JobStore> store_;
  testing::FakeRunPreparer preparer_{dir_.path()};
  testing::FakeDeviceCatalog devices_{{testing::CpuDevice()}};
  JobEvents events_;
  std::unique_ptr<testing::FakeWorkerLauncher> launcher_;
  std::unique_ptr<JobManager> manager_;
};

}  // namespace distill::server
