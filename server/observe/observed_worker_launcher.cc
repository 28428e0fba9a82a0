#include "server/observe/observed_worker_launcher.h"

namespace distill::server {
namespace {

using WorkerStart = ServerMetrics::WorkerStart;
using WorkerEnd = ServerMetrics::WorkerEnd;

std::string_view KindOf(const RunKey& key) {
  return key.kind == RunKey::Kind::kJob ? "job" : "scan";
}

WorkerEnd EndOf(const WorkerExitStatus& exit) {
  if (!exit.is_known) return WorkerEnd::kUnknown;
  if (exit.signal != 0) return WorkerEnd::kSignal;
  return exit.exit_code == 0 ? WorkerEnd::kOk : WorkerEnd::kError;
}

}  // namespace

void ObservedWorkerLauncher::Attach(WorkerListener& listener) {
  listener_ = &listener;
  launcher_->Attach(*this);
}

std::optional<WorkerProcess> ObservedWorkerLauncher::FindRunning(
    const std::filesystem::path& run_directory) {
  return launcher_->FindRunning(run_directory);
}

Result<WorkerProcess> ObservedWorkerLauncher::Start(const LaunchRequest& request) {
  auto process = launcher_->Start(request);
  metrics_.OnWorkerStart(KindOf(request.key),
                         process.ok() ? WorkerStart::kStarted : WorkerStart::kFailed);
  return process;
}

Status ObservedWorkerLauncher::Adopt(const LaunchRequest& request, const WorkerProcess& process) {
  Status adopted = launcher_->Adopt(request, process);
  metrics_.OnWorkerStart(KindOf(request.key),
                         adopted.ok() ? WorkerStart::kAdopted : WorkerStart::kFailed);
  return adopted;
}

Status ObservedWorkerLauncher::Stop(const RunKey& key, StopOrder order) {
  return launcher_->Stop(key, order);
}

std::optional<StopOrder> ObservedWorkerLauncher::FindOrder(
    const std::filesystem::path& run_directory) {
  return launcher_->FindOrder(run_directory);
}

void ObservedWorkerLauncher::Detach() { launcher_->Detach(); }

Status ObservedWorkerLauncher::OnEvents(const RunKey& key, int64_t from_offset,
                                        const RunEventBatch& batch) {
  Status stored = listener_->OnEvents(key, from_offset, batch);
  if (stored.ok()) metrics_.OnJournalEvents(batch.events.size());
  return stored;
}

void ObservedWorkerLauncher::OnExit(const RunKey& key, const WorkerExitStatus& exit) {
  metrics_.OnWorkerEnd(KindOf(key), EndOf(exit));
  listener_->OnExit(key, exit);
}

}  // namespace distill::server
