#include "server/app/daemon.h"

#include <sys/stat.h>

#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "core/base/version.h"
#include "server/app/listen_address.h"
#include "server/observe/observed_worker_launcher.h"
#include "server/observe/state_collector.h"
#include "server/store/sqlite_job_store.h"
#include "server/worker/process_worker_launcher.h"

namespace distill::server {
namespace {

constexpr std::chrono::milliseconds kStopGrace{2'000};

FileLocatorOptions LocatorOptions(const Config& config) {
  return {{config.dataset_roots.begin(), config.dataset_roots.end()},
          {config.weights_roots.begin(), config.weights_roots.end()},
          config.weights_dir};
}

DeviceCatalogOptions DeviceOptions(const Config& config) {
  DeviceCatalogOptions options;
  options.devices = config.devices;
  return options;
}

}  // namespace

Daemon::Daemon(const Config& config, const Clock& clock)
    : config_(config),
      clock_(clock),
      files_(LocatorOptions(config)),
      nvml_(config.nvml_library),
      devices_(DeviceOptions(config), nvml_) {}

Result<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, const Clock& clock) {
  std::unique_ptr<Daemon> daemon(new Daemon(config, clock));
  DISTILL_RETURN_IF_ERROR(daemon->OpenStore().WithContext("open the store"));
  DISTILL_RETURN_IF_ERROR(daemon->StartManager());
  DISTILL_RETURN_IF_ERROR(daemon->StartServing());
  DISTILL_RETURN_IF_ERROR(daemon->StartMetrics());
  return daemon;
}

Status Daemon::OpenStore() {
  SqliteJobStoreOptions options;
  options.state_directory = config_.state_dir;
  options.observer = &metrics_;
  DISTILL_ASSIGN_OR_RETURN(store_, OpenSqliteJobStore(options, clock_));
  LogInfo("store open",
          {{"state_dir", config_.state_dir.string()}, {"schema_version", store_->SchemaVersion()}});
  return {};
}

Status Daemon::StartManager() {
  for (const DeviceInfo& device : devices_.List()) {
    LogInfo("device found", {{"device", device.id}, {"name", device.name}});
  }
  preparer_ = std::make_unique<WorkerRunPreparer>(
      WorkerRunPreparerOptions{config_.state_dir, config_.worker_threads}, *store_);
  ProcessWorkerLauncherOptions launcher_options;
  launcher_options.executable = config_.worker_executable;
  launcher_options.stop_grace = std::chrono::seconds(config_.worker_stop_grace_seconds);
  DISTILL_ASSIGN_OR_RETURN(auto launcher, ProcessWorkerLauncher::Create(launcher_options));
  launcher_ = std::make_unique<ObservedWorkerLauncher>(std::move(launcher), metrics_);
  JobManagerOptions options;
  options.max_queued_jobs = config_.max_queued_jobs;
  manager_ = JobManager::Create(
      options, {*store_, *launcher_, *preparer_, devices_, events_, clock_, &metrics_});
  return manager_->Start().WithContext("start the job manager");
}

Status Daemon::StartServing() {
  RpcServerOptions options;
  options.listen = config_.listen;
  options.max_message_bytes = config_.max_message_bytes;
  options.has_reflection = config_.reflection;
  options.facts = {std::string(kVersion), SqliteVersion(), clock_.UnixMillis()};
  DISTILL_ASSIGN_OR_RETURN(
      server_, RpcServer::Start(
                   options, {*store_, *manager_, *preparer_, events_, files_, clock_, &metrics_}));
  DISTILL_ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(config_.listen));
  address_ = listen.host + ":" + std::to_string(server_->port());
  DISTILL_RETURN_IF_ERROR(ReplaceFile(config_.state_dir / "distilld.address", address_ + "\n"));
  LogInfo("serving", {{"address", address_}, {"version", kVersion}});
  return {};
}

Status Daemon::StartMetrics() {
  const std::filesystem::path note = config_.state_dir / "distilld.metrics_address";
  std::error_code ignored;
  std::filesystem::remove(note, ignored);
  if (config_.metrics_listen.empty()) return {};
  DISTILL_ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(config_.metrics_listen));
  auto state = std::make_shared<StateCollector>(StateCollector::Sources{
      *store_, *manager_, clock_, config_.state_dir, std::string(kVersion), SqliteVersion()});
  DISTILL_ASSIGN_OR_RETURN(
      metrics_endpoint_,
      MetricsEndpoint::Start(config_.metrics_listen, {metrics_.registry(), std::move(state)}));
  metrics_address_ = listen.host + ":" + std::to_string(metrics_endpoint_->port());
  if (!listen.is_loopback) {
    LogWarning("metrics are open to all who reach this address", {{"address", metrics_address_}});
  }
  LogInfo("metrics served", {{"address", metrics_address_}});
  return ReplaceFile(note, metrics_address_ + "\n");
}

void Daemon::Stop() {
  if (server_) {
    LogInfo("stopping; workers go on");
    std::error_code ignored;
    std::filesystem::remove(config_.state_dir / "distilld.address", ignored);
    server_->Stop(kStopGrace);
  }
  if (manager_) manager_->Stop();
  metrics_endpoint_.reset();
  server_.reset();
  manager_.reset();
  launcher_.reset();
  preparer_.reset();
  if (store_) LogInfo("stopped");
  store_.reset();
}

}  // namespace distill::server
