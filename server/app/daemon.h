#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/access/access_gate.h"
#include "server/access/access_store.h"
#include "server/access/audit_log.h"
#include "server/app/config.h"
#include "server/app/store_watch.h"
#include "server/device/nvml_device_catalog.h"
#include "server/job/job_events.h"
#include "server/job/job_manager.h"
#include "server/job/job_observers.h"
#include "server/job/job_store.h"
#include "server/job/service_health.h"
#include "server/job/worker_launcher.h"
#include "server/notify/notifier.h"
#include "server/observe/metrics_endpoint.h"
#include "server/observe/server_metrics.h"
#include "server/rpc/rpc_server.h"
#include "server/spec/file_locator.h"
#include "server/spec/worker_run_preparer.h"
#include "server/upkeep/retention.h"
#include "server/worker/process_worker_launcher.h"

namespace distill::server {

/// The composition root: builds every object of the daemon, and owns the order in which they start
/// and stop. Owned by one thread.
class Daemon {
 public:
  /// Opens the store, adopts the workers that an earlier daemon left, and serves.
  /// With a damaged database it serves read-only and without scheduling, its health NOT_SERVING.
  /// `config` is checked (FinishConfig); `clock` must outlive this object. Any failure: nothing
  /// runs.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config, const Clock& clock);
  ~Daemon() { Stop(); }

  /// Where it serves, "host:port". Also in the file <state_dir>/distilld.address.
  const std::string& address() const { return address_; }

  /// Where Prometheus finds its figures, "host:port"; "" = nowhere. Also in the file
  /// <state_dir>/distilld.metrics_address.
  const std::string& metrics_address() const { return metrics_address_; }

  /// Returns whether it asked to be stopped (AskToStop()) because it takes no connections any more.
  bool has_lost_listener() const { return has_lost_listener_; }

  /// Returns one line for a service manager: where it serves, and how many jobs wait and run. Reads
  /// the store.
  std::string StatusText() const;

  /// Ends calls and streams, detaches from the workers (they go on) and closes the store. Takes
  /// seconds. Stopping twice is no error.
  void Stop();

 private:
  Daemon(const Config& config, const Clock& clock);

  Status OpenStore();
  Status OpenDoor();
  void StartNotifiers();
  std::string StartObstacle() const;
  Status StartManager();
  Result<ProcessWorkerLauncherOptions> LauncherOptions() const;
  Status StartServing();
  Status StartMetrics();

  const Config config_;
  const Clock& clock_;
  const FileLocator files_;
  ServerMetrics metrics_;
  ServiceHealth health_;
  StoreWatch store_watch_{metrics_, health_};
  // In the order of starting: destroyed in the reverse.
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<AccessStore> access_store_;
  std::unique_ptr<AccessGate> gate_;
  std::unique_ptr<AuditLog> audit_;
  SystemNvmlLoader nvml_;
  NvmlDeviceCatalog devices_;
  JobEvents events_;
  JobObservers observers_;
  std::vector<std::unique_ptr<Notifier>> notifiers_;
  std::unique_ptr<WorkerRunPreparer> preparer_;
  std::unique_ptr<WorkerLauncher> launcher_;
  std::unique_ptr<JobManager> manager_;
  std::unique_ptr<Retention> retention_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<MetricsEndpoint> metrics_endpoint_;
  std::string address_;
  std::string metrics_address_;
  std::atomic<bool> has_lost_listener_{false};
};

}  // namespace distill::server
