#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/job/worker_launcher.h"

namespace distill::testing {

/// A launcher without processes: the test says what each worker tells and how it ends. Thread-safe.
class FakeWorkerLauncher final : public server::WorkerLauncher {
 public:
  void Attach(server::WorkerListener& listener) override { listener_ = &listener; }

  std::optional<server::WorkerProcess> FindRunning(
      const std::filesystem::path& run_directory) override {
    const MutexLock lock(mutex_);
    const auto found = running_in_.find(run_directory);
    if (found == running_in_.end()) return std::nullopt;
    return found->second;
  }

  Result<server::WorkerProcess> Start(const server::LaunchRequest& request) override {
    const MutexLock lock(mutex_);
    if (num_failing_starts_ > 0) {
      --num_failing_starts_;
      return Status(Code::kUnavailable, "no process");
    }
    started_.push_back(request);
    offsets_[request.key] = 0;
    const int pid = ++last_pid_;
    return server::WorkerProcess{pid, 100 + pid};
  }

  Status Adopt(const server::LaunchRequest& request,
               const server::WorkerProcess& process) override {
    const MutexLock lock(mutex_);
    adopted_.emplace_back(request, process);
    offsets_[request.key] = request.journal_offset;
    return Status::Ok();
  }

  Status Stop(const server::RunKey& key, StopOrder order) override {
    const MutexLock lock(mutex_);
    if (offsets_.count(key) == 0) return {Code::kNotFound, "no such run"};
    stopped_.push_back(key);
    orders_.push_back(order);
    return Status::Ok();
  }

  std::optional<StopOrder> FindOrder(const std::filesystem::path& run_directory) override {
    return ReadStopOrder(run_directory);
  }

  void Detach() override {}

  /// Lets the worker of `key` tell `events`, numbered from where it stopped.
  Status Emit(const server::RunKey& key, std::vector<decltype(server::RunEvent::event)> events) {
    constexpr int64_t kBytesPerEvent = 100;
    server::RunEventBatch batch;
    int64_t from = 0;
    {
      const MutexLock lock(mutex_);
      from = offsets_[key];
      int64_t sequence = from / kBytesPerEvent;
      for (auto& event : events) {
        batch.events.push_back({++sequence, event_time_ms_, std::move(event)});
      }
      batch.next_offset = sequence * kBytesPerEvent;
      offsets_[key] = batch.next_offset;
    }
    return listener_->OnEvents(key, from, batch);
  }

  /// Ends the worker's process.
  void Exit(const server::RunKey& key, const server::WorkerExitStatus& exit) {
    {
      const MutexLock lock(mutex_);
      offsets_.erase(key);
    }
    listener_->OnExit(key, exit);
  }

  void FailNextStarts(int count) {
    const MutexLock lock(mutex_);
    num_failing_starts_ = count;
  }
  void SetEventTime(int64_t unix_ms) {
    const MutexLock lock(mutex_);
    event_time_ms_ = unix_ms;
  }
  void SetRunningIn(const std::filesystem::path& directory, const server::WorkerProcess& process) {
    const MutexLock lock(mutex_);
    running_in_[directory] = process;
  }
  bool HasStarted(const server::RunKey& key) { return NumStarts(key) > 0; }
  int64_t NumStarts(const server::RunKey& key) {
    const MutexLock lock(mutex_);
    return std::count_if(started_.begin(), started_.end(),
                         [&](const auto& request) { return request.key == key; });
  }
  std::vector<std::pair<server::LaunchRequest, server::WorkerProcess>> adopted() {
    const MutexLock lock(mutex_);
    return adopted_;
  }
  /// The reasons of stopped(), in the same order.
  std::vector<StopOrder> orders() {
    const MutexLock lock(mutex_);
    return orders_;
  }
  std::vector<server::RunKey> stopped() {
    const MutexLock lock(mutex_);
    return stopped_;
  }

 private:
  server::WorkerListener* listener_ = nullptr;
  Mutex mutex_;
  int num_failing_starts_ GUARDED_BY(mutex_) = 0;
  int last_pid_ GUARDED_BY(mutex_) = 1000;
  int64_t event_time_ms_ GUARDED_BY(mutex_) = 1;
  std::vector<server::LaunchRequest> started_ GUARDED_BY(mutex_);
  std::vector<std::pair<server::LaunchRequest, server::WorkerProcess>> adopted_ GUARDED_BY(mutex_);
  std::vector<server::RunKey> stopped_ GUARDED_BY(mutex_);
  std::vector<StopOrder> orders_ GUARDED_BY(mutex_);
  std::map<server::RunKey, int64_t> offsets_ GUARDED_BY(mutex_);
  std::map<std::filesystem::path, server::WorkerProcess> running_in_ GUARDED_BY(mutex_);
};

}  // namespace distill::testing
