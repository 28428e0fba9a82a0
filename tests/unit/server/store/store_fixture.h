#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/store/sqlite_job_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::server {

inline JobSpec SpecNamed(std::string name) {
  JobSpec spec;
  spec.name = std::move(name);
  spec.owner = "ann";
  spec.given = std::string("\x00\xFFgiven", 7);
  spec.resolved = "resolved";
  spec.dataset = "birds";
  spec.model = "resnet18";
  spec.num_epochs = 4;
  return spec;
}

/// A store on disk, in a folder of its own.
class StoreFixture : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    SqliteJobStoreOptions options;
    options.state_directory = dir_.path() / "state";
    auto opened = OpenSqliteJobStore(options, clock_);
    ASSERT_OK(opened);
    store_ = std::move(opened).value();
  }

  JobId Insert(const JobSpec& spec) {
    const auto ids = store_->InsertJobs({spec}, "", "", clock_.UnixMillis());
    EXPECT_OK(ids);
    return ids.ok() ? ids->front() : 0;
  }

  JobId InsertStarted(const std::string& name) {
    const JobId id = Insert(SpecNamed(name));
    EXPECT_OK(store_->StartAttempt(id, {"cpu"}, clock_.UnixMillis()));
    return id;
  }

  void Move(JobId id, JobState from, JobState to) {
    EXPECT_OK(store_->MoveJob(id, from, {to, Cause::kNone, "test", ""}, clock_.UnixMillis()));
  }

  std::filesystem::path state_directory() const { return dir_.path() / "state"; }
  JobStore& store() { return *store_; }
  testing::FakeClock& clock() { return clock_; }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::unique_ptr<JobStore> store_;
};

}  // namespace distill::server
