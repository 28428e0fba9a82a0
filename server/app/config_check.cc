#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>
#include <system_error>

#include "server/app/config.h"
#include "server/app/listen_address.h"
#include "server/job/job.h"
#include "server/spec/name_rules.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxThreads = 1024;
constexpr int kMaxLimit = 1'000'000;

// The cores that the scheduler gives this process (cpuset and affinity).
int AllowedCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

fs::path DefaultStateDirectory() {
  const char* given = std::getenv("STATE_DIRECTORY");  // set by systemd's StateDirectory=
  return given != nullptr && *given != '\0' ? given : "distilld-state";
}

fs::path DefaultWorker() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return self.parent_path() / "distill_worker";
}

void MakeAbsolute(fs::path& path) {
  std::error_code error;
  if (!path.empty()) path = fs::absolute(path, error).lexically_normal();
}

class Faults {
 public:
  void Require(bool holds, const std::string& fault) {
    if (!holds) text_ += (text_.empty() ? "" : "\n") + fault;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void CheckRoots(const char* key, const std::vector<std::string>& roots, Faults& faults) {
  for (const std::string& root : roots) {
    faults.Require(fs::path(root).is_absolute(),
                   std::string(key) + " must hold absolute paths: " + root);
  }
}

void CheckDevices(const std::vector<std::string>& devices, Faults& faults) {
  faults.Require(!devices.empty(), "devices must name at least one, or be [\"auto\"]");
  for (const std::string& device : devices) {
    const bool is_part = device.substr(0, 4) == "cpu:";
    faults.Require(device == "auto" || (IsDeviceName(device) && !is_part),
                   "devices must hold auto, cpu, GPU indexes or GPU UUIDs: " + device);
  }
}

void CheckListen(const Config& config, Faults& faults) {
  const Result<ListenAddress> address = ParseListenAddress(config.listen);
  const bool has_tls = !config.tls_certificate.empty();
  faults.Require(address.ok(), address.status().message());
  faults.Require(!address.ok() || address->is_loopback || has_tls,
                 "listen must be a loopback address (127.0.0.1, [::1], localhost) without TLS: on "
                 "any other one tokens could be read on their way; set tls_certificate and tls_key "
                 "(deploy/tls.sh makes both): " +
                     config.listen);
  faults.Require(has_tls == !config.tls_key.empty(), "tls_certificate and tls_key go together");
  faults.Require(has_tls || config.tls_client_ca.empty(), "tls_client_ca needs tls_certificate");
}

void CheckMetricsListen(const std::string& listen, Faults& faults) {
  faults.Require(
      listen.empty() || ParseListenAddress(listen).ok(),
      "metrics_listen must be host:port with a port from 0 to 65535, or empty: " + listen);
}

void CheckNotifications(const Config& config, Faults& faults) {
  constexpr int kMaxSeconds = 3600;
  for (const std::string& name : config.notify_states) {
    faults.Require(ParseStateName(name).has_value(),
                   "notify_states must hold states of jobs, e.g. FAILED: " + name);
  }
  faults.Require(
      config.hook_program.empty() || ::access(config.hook_program.c_str(), X_OK) == 0,
      "hook_program must be a program that distilld may run: " + config.hook_program.string());
  const std::string& url = config.webhook_url;
  faults.Require(url.empty() || url.rfind("http://", 0) == 0 || url.rfind("https://", 0) == 0,
                 "webhook_url must begin with http:// or https://");
  for (const int seconds : {config.hook_timeout_seconds, config.webhook_timeout_seconds}) {
    faults.Require(seconds >= 1 && seconds <= kMaxSeconds,
                   "hook_timeout_seconds and webhook_timeout_seconds must lie in 1 to 3600: " +
                       std::to_string(seconds));
  }
}

void CheckLimits(const Config& config, Faults& faults) {
  const auto require = [&](const char* key, int64_t value, int64_t least) {
    faults.Require(value >= least, std::string(key) + " must be at least " + std::to_string(least) +
                                       ": " + std::to_string(value));
  };
  require("max_queued_jobs", config.max_queued_jobs, 1);
  require("max_queued_jobs_per_user", config.max_queued_jobs_per_user, 1);
  require("max_submits_per_minute", config.max_submits_per_minute, 0);
  require("max_disk_bytes_per_user", config.max_disk_bytes_per_user, 0);
  require("max_streams", config.max_streams, 1);
  require("max_streams_per_user", config.max_streams_per_user, 1);
  require("max_log_bytes", config.max_log_bytes, 0);
  require("max_artifact_bytes", config.max_artifact_bytes, 0);
  constexpr int kMaxAuditDays = 36'500;
  faults.Require(
      config.audit_keep_days >= 1 && config.audit_keep_days <= kMaxAuditDays,
      "audit_keep_days must lie in 1 to 36500: " + std::to_string(config.audit_keep_days));
}

void CheckCount(const std::string& key, int64_t value, int64_t least, int64_t most,
                Faults& faults) {
  faults.Require(value >= least && value <= most, key + " must lie in " + std::to_string(least) +
                                                      " to " + std::to_string(most) + ": " +
                                                      std::to_string(value));
}

void CheckUserGroups(const std::vector<UserGroup>& groups, Faults& faults) {
  std::set<std::string> names;
  for (const UserGroup& group : groups) {
    faults.Require(IsName(group.name) && names.insert(group.name).second,
                   "user_groups must each have a name of its own, of letters, digits, '.', '_' and "
                   "'-': " +
                       group.name);
    faults.Require(!group.users.empty(), "user_groups must have users: " + group.name);
    CheckCount("user_groups.max_running_jobs", group.max_running_jobs, 0, kMaxLimit, faults);
    CheckCount("user_groups.max_devices", group.max_devices, 0, kMaxLimit, faults);
  }
}

void CheckScheduling(const Config& config, Faults& faults) {
  constexpr int kHoursOfTenYears = 10 * 366 * 24;
  constexpr int kMinutesOfAYear = 366 * 24 * 60;
  constexpr int kMaxOverheadMib = 16 * 1024;
  constexpr int kMaxMargin = 200;  // the whole range of priorities
  CheckCount("fair_share_half_life_hours", config.fair_share_half_life_hours, 1, kHoursOfTenYears,
             faults);
  CheckCount("ageing_minutes", config.ageing_minutes, 0, kMinutesOfAYear, faults);
  CheckCount("max_running_jobs_per_user", config.max_running_jobs_per_user, 0, kMaxLimit, faults);
  CheckCount("max_devices_per_user", config.max_devices_per_user, 0, kMaxLimit, faults);
  CheckCount("gpu_overhead_mib", config.gpu_overhead_mib, 0, kMaxOverheadMib, faults);
  CheckCount("preemption_margin", config.preemption_margin, 1, kMaxMargin, faults);
  CheckCount("preemption_min_run_minutes", config.preemption_min_run_minutes, 0, kMinutesOfAYear,
             faults);
  CheckUserGroups(config.user_groups, faults);
}

void CheckRetention(const Config& config, Faults& faults) {
  constexpr int64_t kMaxDays = 36'500;
  constexpr int64_t kMaxGib = int64_t{1} << 30U;
  const auto require = [&](const char* key, int64_t value, int64_t most) {
    faults.Require(value >= 0 && value <= most, std::string(key) + " must lie in 0 to " +
                                                    std::to_string(most) + ": " +
                                                    std::to_string(value));
  };
  require("retention_checkpoint_days", config.retention_checkpoint_days, kMaxDays);
  require("retention_log_days", config.retention_log_days, kMaxDays);
  require("retention_max_gib", config.retention_max_gib, kMaxGib);
  require("min_free_disk_mib", config.min_free_disk_mib, kMaxGib);
}

}  // namespace

Status FinishConfig(Config& config) {
  if (config.state_dir.empty()) config.state_dir = DefaultStateDirectory();
  if (config.worker_executable.empty()) config.worker_executable = DefaultWorker();
  if (config.worker_threads == 0) config.worker_threads = AllowedCores();
  for (fs::path* path :
       {&config.state_dir, &config.weights_dir, &config.worker_executable, &config.hook_program,
        &config.log_file, &config.tls_certificate, &config.tls_key, &config.tls_client_ca}) {
    MakeAbsolute(*path);
  }
  constexpr int kMaxCpuDevices = 64;
  constexpr int kMinMessageBytes = 64 * 1024;
  constexpr int kMaxMessageBytes = 256 * 1024 * 1024;
  constexpr int kMaxGraceSeconds = 24 * 3600;
  Faults faults;
  CheckListen(config, faults);
  CheckLimits(config, faults);
  CheckMetricsListen(config.metrics_listen, faults);
  CheckNotifications(config, faults);
  CheckRoots("dataset_roots", config.dataset_roots, faults);
  CheckRoots("weights_roots", config.weights_roots, faults);
  CheckDevices(config.devices, faults);
  CheckCount("cpu_devices", config.cpu_devices, 1, kMaxCpuDevices, faults);
  CheckRetention(config, faults);
  faults.Require(!config.nvml_library.empty(), "nvml_library must name a library");
  faults.Require(config.worker_threads >= 1 && config.worker_threads <= kMaxThreads,
                 "worker_threads must lie in 0 to 1024: " + std::to_string(config.worker_threads));
  CheckScheduling(config, faults);
  faults.Require(
      config.max_message_bytes >= kMinMessageBytes && config.max_message_bytes <= kMaxMessageBytes,
      "max_message_bytes must lie in 65536 to 268435456: " +
          std::to_string(config.max_message_bytes));
  faults.Require(
      config.worker_stop_grace_seconds >= 1 && config.worker_stop_grace_seconds <= kMaxGraceSeconds,
      "worker_stop_grace_seconds must lie in 1 to 86400: " +
          std::to_string(config.worker_stop_grace_seconds));
  faults.Require(config.worker_stalled_after_seconds >= 1,
                 "worker_stalled_after_seconds must be at least 1: " +
                     std::to_string(config.worker_stalled_after_seconds));
  faults.Require(ParseLogLevel(config.log_level).ok(),
                 "log_level must be debug, info, warning or error: " + config.log_level);
  if (faults.text().empty()) return {};
  return {Code::kFailedPrecondition, faults.text()};
}

Result<ListenAddress> ParseListenAddress(const std::string& text) {
  const Status wrong(Code::kInvalidArgument,
                     "listen must be host:port with a port from 0 to 65535: " + text);
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong;
  ListenAddress address;
  address.host = text.substr(0, colon);
  constexpr int kMaxPort = 65'535;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, address.port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return wrong;
  if (address.port < 0 || address.port > kMaxPort) return wrong;
  address.is_loopback = address.host == "localhost" || address.host == "[::1]" ||
                        // A name may begin so too, and lead anywhere.
                        (address.host.compare(0, 4, "127.") == 0 &&
                         address.host.find_first_not_of("0123456789.") == std::string::npos);
  return address;
}

}  // namespace distill::server
