#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/job/run_preparer.h"

namespace distill::testing {

/// Makes empty run directories under a root. Thread-safe.
class FakeRunPreparer final : public server::RunPreparer {
 public:
  explicit FakeRunPreparer(std::filesystem::path root) : root_(std::move(root)) {}

  Result<server::LaunchRequest> PrepareJob(
      const server::JobRecord& job, const server::AttemptRecord& attempt,
      const std::vector<server::AttemptRecord>& earlier) override {
    {
      const MutexLock lock(mutex_);
      num_earlier_ = earlier.size();
      if (!failure_.ok()) return std::exchange(failure_, Status::Ok());
    }
    return Make(RunDirectory(job.id, attempt.number));
  }

  Result<server::LaunchRequest> PrepareScan(const server::DatasetRecord& dataset) override {
    Result<server::LaunchRequest> request = Make(DatasetDirectory(dataset.id));
    std::ofstream(request->run_directory / "spec.json") << "{}";
    return request;
  }

  std::filesystem::path RunDirectory(server::JobId job, int attempt) const override {
    return JobDirectory(job) / std::to_string(attempt);
  }
  std::filesystem::path JobDirectory(server::JobId job) const override {
    return root_ / "runs" / std::to_string(job);
  }
  std::filesystem::path DatasetDirectory(int64_t dataset) const override {
    return root_ / "datasets" / std::to_string(dataset);
  }

  void FailNext(Status failure) {
    const MutexLock lock(mutex_);
    failure_ = std::move(failure);
  }
  size_t num_earlier() {
    const MutexLock lock(mutex_);
    return num_earlier_;
  }

 private:
  static Result<server::LaunchRequest> Make(const std::filesystem::path& directory) {
    std::filesystem::create_directories(directory);
    server::LaunchRequest request;
    request.run_directory = directory;
    return request;
  }

  const std::filesystem::path root_;
  Mutex mutex_;
  Status failure_ GUARDED_BY(mutex_);
  size_t num_earlier_ GUARDED_BY(mutex_) = 0;
};

}  // namespace distill::testing
