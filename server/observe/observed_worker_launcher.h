#pragma once

#include <memory>
#include <string>

#include "server/job/worker_launcher.h"
#include "server/observe/server_metrics.h"

namespace distill::server {

/// A launcher that counts what goes through it. Thread-safe. `metrics` must outlive it.
class ObservedWorkerLauncher final : public WorkerLauncher, private WorkerListener {
 public:
  ObservedWorkerLauncher(std::unique_ptr<WorkerLauncher> launcher, ServerMetrics& metrics)
      : launcher_(std::move(launcher)), metrics_(metrics) {}

  void Attach(WorkerListener& listener) override;
  std::optional<WorkerProcess> FindRunning(const std::filesystem::path& run_directory) override;
  Result<WorkerProcess> Start(const LaunchRequest& request) override;
  Status Adopt(const LaunchRequest& request, const WorkerProcess& process) override;
  Status Stop(const RunKey& key, StopOrder order) override;
  std::optional<StopOrder> FindOrder(const std::filesystem::path& run_directory) override;
  void Detach() override;

 private:
  Status OnEvents(const RunKey& key, int64_t from_offset, const RunEventBatch& batch) override;
  void OnExit(const RunKey& key, const WorkerExitStatus& exit) override;

  const std::unique_ptr<WorkerLauncher> launcher_;
  ServerMetrics& metrics_;
  WorkerListener* listener_ = nullptr;  // constant after Attach
};

}  // namespace distill::server
