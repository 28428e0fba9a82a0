#include "server/app/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "core/base/version.h"
#include "server/app/listen_address.h"
#include "server/app/retention_policy.h"
#include "server/app/stop_signals.h"
#include "server/app/utc_time.h"
#include "server/notify/hook_program.h"
#include "server/notify/webhook.h"
#include "server/observe/observed_worker_launcher.h"
#include "server/observe/state_collector.h"
#include "server/store/sqlite_job_store.h"

namespace distill::server {
namespace {

constexpr std::chrono::milliseconds kStopGrace{2'000};

FileLocatorOptions LocatorOptions(const Config& config) {
  return {{config.dataset_roots.begin(), config.dataset_roots.end()},
          {config.weights_roots.begin(), config.weights_roots.end()},
          config.weights_dir,
          config.allow_torchscript};
}

DeviceCatalogOptions DeviceOptions(const Config& config) {
  DeviceCatalogOptions options;
  options.devices = config.devices;
  options.cpu_devices = config.cpu_devices;
  return options;
}

TlsFiles TlsFilesOf(const Config& config) {
  TlsFiles files;
  files.certificate = config.tls_certificate;
  files.key = config.tls_key;
  files.client_ca = config.tls_client_ca;
  return files;
}

// Checks the files of TLS, where it is on, and says when the certificate will be of no use.
Status CheckTls(const Config& config, int64_t now_unix_ms) {
  constexpr int64_t kSoonMs = int64_t{30} * 24 * 3600 * 1000;
  if (!TlsFilesOf(config).is_on()) return {};
  DISTILL_ASSIGN_OR_RETURN(const int64_t expiry, CheckTlsFiles(TlsFilesOf(config)));
  if (expiry < now_unix_ms + kSoonMs) {
    LogWarning(expiry < now_unix_ms ? "certificate has expired, no client will connect"
                                    : "certificate expires soon",
               {{"tls_certificate", config.tls_certificate.string()}, {"at", UtcTime(expiry)}});
  }
  return {};
}

SchedulerPolicy PolicyOf(const Config& config) {
  constexpr int64_t kMillisPerMinute = 60'000;
  SchedulerPolicy policy;
  policy.ageing_step_ms = config.ageing_minutes * kMillisPerMinute;
  policy.max_running_jobs_per_user = config.max_running_jobs_per_user;
  policy.max_devices_per_user = config.max_devices_per_user;
  policy.user_groups = config.user_groups;
  policy.gpu_overhead_bytes = int64_t{config.gpu_overhead_mib} << 20;
  policy.has_preemption = config.preemption;
  policy.preemption_margin = config.preemption_margin;
  policy.preemption_min_run_ms = config.preemption_min_run_minutes * kMillisPerMinute;
  return policy;
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
  DISTILL_RETURN_IF_ERROR(daemon->OpenDoor());
  DISTILL_RETURN_IF_ERROR(daemon->StartManager());
  DISTILL_RETURN_IF_ERROR(daemon->StartServing());
  DISTILL_RETURN_IF_ERROR(daemon->StartMetrics());
  return daemon;
}

Status Daemon::OpenStore() {
  SqliteJobStoreOptions options;
  options.state_directory = config_.state_dir;
  options.observer = &store_watch_;
  auto opened = OpenSqliteStores(options, clock_);
  if (opened.status().code() == Code::kDataLoss) {
    options.read_only_because = opened.status().message();
    LogError("database damaged, serving read-only", {{"error", options.read_only_because}});
    health_.Set("database", options.read_only_because);
    opened = OpenSqliteStores(options, clock_);
  }
  if (!opened.ok()) return opened.status();
  store_ = std::move(opened->jobs);
  access_store_ = std::move(opened->access);
  LogInfo("store open",
          {{"state_dir", config_.state_dir.string()}, {"schema_version", store_->SchemaVersion()}});
  return {};
}

Status Daemon::OpenDoor() {
  DISTILL_ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(config_.listen));
  DISTILL_RETURN_IF_ERROR(CheckTls(config_, clock_.UnixMillis()));
  AccessGateOptions options;
  options.always_asks_token = !listen.is_loopback;
  options.has_private_jobs = config_.private_jobs;
  if (options.always_asks_token) {
    DISTILL_ASSIGN_OR_RETURN(const bool has_token,
                             access_store_->HasValidToken(clock_.UnixMillis()));
    if (!has_token) {
      return {Code::kFailedPrecondition,
              "nobody could come in, and others can reach this address: make a user with a token "
              "first (distilld user add NAME --admin), or listen on 127.0.0.1: " +
                  config_.listen};
    }
  }
  gate_ = std::make_unique<AccessGate>(options, *access_store_, clock_);
  AuditLogOptions audit;
  audit.keep_days = config_.audit_keep_days;
  audit_ = std::make_unique<AuditLog>(audit, *access_store_, clock_);
  return {};
}

Result<ProcessWorkerLauncherOptions> Daemon::LauncherOptions() const {
  ProcessWorkerLauncherOptions options;
  options.executable = config_.worker_executable;
  options.stop_grace = std::chrono::seconds(config_.worker_stop_grace_seconds);
  options.max_log_bytes = config_.max_log_bytes;
  options.max_file_bytes = config_.max_artifact_bytes;
  options.state_directory = config_.state_dir;
  DISTILL_ASSIGN_OR_RETURN(options.identity, FindWorkerIdentity(config_.worker_user));
  if (::geteuid() != 0 || !config_.worker_user.empty()) return options;
  DISTILL_ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(config_.listen));
  if (!listen.is_loopback) {
    return Status(Code::kFailedPrecondition,
                  "workers would run as root for everybody who reaches this address: run distilld "
                  "as an account of its own (deploy/distilld.service), or name one in worker_user "
                  "(\"root\" if you mean it): " +
                      config_.listen);
  }
  LogWarning("workers run as root; set worker_user, or run distilld as an account of its own");
  return options;
}

void Daemon::StartNotifiers() {
  NotifierOptions options;
  for (const std::string& name : config_.notify_states) {
    if (const auto state = ParseStateName(name)) options.states.insert(*state);
  }
  const auto start = [&](std::unique_ptr<NotificationSender> sender) {
    notifiers_.push_back(std::make_unique<Notifier>(options, std::move(sender), clock_, &metrics_));
    observers_.Add(*notifiers_.back());
  };
  if (!config_.hook_program.empty()) {
    start(CreateHookProgram({config_.hook_program, config_.state_dir,
                             std::chrono::seconds(config_.hook_timeout_seconds)}));
  }
  if (!config_.webhook_url.empty()) {
    start(CreateWebhook(
        {config_.webhook_url, std::chrono::seconds(config_.webhook_timeout_seconds)}));
  }
}

Status Daemon::StartManager() {
  observers_.Add(metrics_);
  StartNotifiers();
  for (const DeviceInfo& device : devices_.List()) {
    LogInfo("device found", {{"device", device.id}, {"name", device.name}});
  }
  preparer_ = std::make_unique<WorkerRunPreparer>(
      WorkerRunPreparerOptions{config_.state_dir,
                               config_.worker_threads,
                               config_.cpu_devices,
                               {config_.dataset_roots.begin(), config_.dataset_roots.end()},
                               {config_.weights_roots.begin(), config_.weights_roots.end()},
                               config_.weights_dir,
                               config_.allow_torchscript},
      *store_);
  DISTILL_ASSIGN_OR_RETURN(const ProcessWorkerLauncherOptions launcher_options, LauncherOptions());
  DISTILL_ASSIGN_OR_RETURN(auto launcher, ProcessWorkerLauncher::Create(launcher_options));
  launcher_ = std::make_unique<ObservedWorkerLauncher>(std::move(launcher), metrics_);
  JobManagerOptions options;
  options.max_queued_jobs = config_.max_queued_jobs;
  options.max_queued_jobs_per_user = config_.max_queued_jobs_per_user;
  options.max_disk_bytes_per_user = config_.max_disk_bytes_per_user;
  options.policy = PolicyOf(config_);
  options.fair_share_half_life = std::chrono::hours(config_.fair_share_half_life_hours);
  options.stalled_after = std::chrono::seconds(config_.worker_stalled_after_seconds);
  options.start_obstacle = [this] { return StartObstacle(); };
  manager_ = JobManager::Create(
      options, {*store_, *launcher_, *preparer_, devices_, events_, clock_, &observers_});
  // With a damaged database nothing is scheduled or taken over; the manager only answers.
  if (!health_.Trouble().empty()) return {};
  DISTILL_RETURN_IF_ERROR(manager_->Start().WithContext("start the job manager"));
  retention_ =
      std::make_unique<Retention>(config_.state_dir, *store_, clock_, RetentionOf(config_));
  return {};
}

std::string Daemon::StartObstacle() const {
  constexpr int64_t kMebi = 1 << 20;
  if (config_.min_free_disk_mib == 0) return "";
  const auto free_bytes = FreeBytes(config_.state_dir);
  if (!free_bytes.ok() || *free_bytes >= config_.min_free_disk_mib * kMebi) return "";
  return "the server's disk is nearly full: " + std::to_string(*free_bytes / kMebi) +
         " MiB are free, a job starts with " + std::to_string(config_.min_free_disk_mib);
}

Status Daemon::StartServing() {
  RpcServerOptions options;
  options.listen = config_.listen;
  options.max_message_bytes = config_.max_message_bytes;
  options.has_reflection = config_.reflection;
  options.tls = TlsFilesOf(config_);
  options.stream_limits = {config_.max_streams, config_.max_streams_per_user};
  options.max_submits_per_minute = config_.max_submits_per_minute;
  options.on_listener_lost = [this] {
    if (!has_lost_listener_.exchange(true)) AskToStop();  // a second signal would end it at once
  };
  options.facts = {std::string(kVersion), SqliteVersion(), clock_.UnixMillis()};
  DISTILL_ASSIGN_OR_RETURN(
      server_, RpcServer::Start(options, {{*store_, *manager_, *preparer_, events_, files_, clock_},
                                          *gate_,
                                          *audit_,
                                          &metrics_,
                                          &health_}));
  DISTILL_ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(config_.listen));
  address_ = listen.host + ":" + std::to_string(server_->port());
  DISTILL_RETURN_IF_ERROR(ReplaceFile(config_.state_dir / "distilld.address", address_ + "\n"));
  LogInfo(
      "serving",
      {{"address", address_}, {"version", kVersion}, {"tls", options.tls.is_on() ? "on" : "off"}});
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

std::string Daemon::StatusText() const {
  const auto counts = store_->CountJobs();
  if (!counts.ok()) return "the store cannot be read: " + counts.status().message();
  const auto count_of = [&](JobState state) {
    const auto found = counts->by_state.find(state);
    return std::to_string(found == counts->by_state.end() ? 0 : found->second);
  };
  return "serving " + address_ + "; " + count_of(JobState::kQueued) + " queued, " +
         count_of(JobState::kRunning) + " running";
}

void Daemon::Stop() {
  if (server_) {
    LogInfo("stopping; workers go on");
    std::error_code ignored;
    std::filesystem::remove(config_.state_dir / "distilld.address", ignored);
    server_->Stop(kStopGrace);
  }
  retention_.reset();
  if (manager_) manager_->Stop();
  metrics_endpoint_.reset();
  server_.reset();
  manager_.reset();
  notifiers_.clear();
  launcher_.reset();
  preparer_.reset();
  audit_.reset();
  gate_.reset();
  access_store_.reset();
  if (store_) LogInfo("stopped");
  store_.reset();
}

}  // namespace distill::server
