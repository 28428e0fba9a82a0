#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/base/status.h"
#include "server/job/scheduler.h"

namespace distill::server {

/// Everything that can be set from outside; each field is a key of distilld.toml and a flag of the
/// same name (listen = --listen, state_dir = --state-dir).
struct Config {
  std::string listen = "127.0.0.1:50551";  // host:port; port 0 = any free one
  /// PEM files; needed for any address but loopback. "" = plain text; clients need no certificate.
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  std::filesystem::path tls_client_ca;
  bool private_jobs = false;  // jobs are for their owners and admins only
  int audit_keep_days = 365;
  /// "" = $STATE_DIRECTORY (systemd), else ./distilld-state.
  std::filesystem::path state_dir;
  /// Data sets lie inside these folders; weights files that requests name inside those.
  std::vector<std::string> dataset_roots{"/srv/distilld/datasets"};
  std::vector<std::string> weights_roots{"/srv/distilld/weights"};
  std::filesystem::path weights_dir = "/srv/distilld/weights";  // where --pretrained looks
  bool allow_torchscript = false;  // whether teachers may be TorchScript files, which are programs
  std::filesystem::path worker_executable;  // "" = distill_worker beside distilld
  std::string worker_user;  // whom workers run as, where the daemon is root; "" = as the daemon
  std::vector<std::string> devices{"auto"};
  int cpu_devices = 1;  // as how many devices the CPU counts; they share worker_threads
  std::string nvml_library = "libnvidia-ml.so.1";  // a path, or what the loader finds
  int worker_threads = 0;                          // 0 = all cores that this process may use
  int64_t max_queued_jobs = 10'000;
  int64_t max_queued_jobs_per_user = 5'000;
  int64_t max_submits_per_minute = 6'000;  // of each user; 0 = no limit
  int64_t max_disk_bytes_per_user = 0;     // of artifacts; 0 = no limit
  int64_t max_streams = 2'000;
  int64_t max_streams_per_user = 200;
  int64_t max_log_bytes = int64_t{64} << 20;       // of a worker; 0 = no limit
  int64_t max_artifact_bytes = int64_t{16} << 30;  // of a worker's file; 0 = no limit
  int fair_share_half_life_hours = 7 * 24;  // what a user had of the devices counts half after it
  int ageing_minutes = 60;                  // of waiting, for a point of priority; 0 = never
  int max_running_jobs_per_user = 0;        // 0 = no limit
  int max_devices_per_user = 0;             // 0 = no limit
  std::vector<UserGroup> user_groups;       // in the file only
  int gpu_overhead_mib = 768;               // of a worker on a GPU, beside its declared memory
  bool preemption = false;
  int preemption_margin = 10;  // points of priority above the job that makes room
  int preemption_min_run_minutes = 30;
  int max_message_bytes = 4 * 1024 * 1024;
  int worker_stop_grace_seconds = 60;
  int worker_stalled_after_seconds = 300;
  int retention_checkpoint_days = 30;  // of ended jobs; 0 = age removes none
  int retention_log_days = 0;          // likewise
  int64_t retention_max_gib = 0;       // of all run folders; 0 = no limit
  bool retention_removes_models = false;
  int64_t min_free_disk_mib = 1024;  // below it no job starts; 0 = never mind
  std::string log_level = "info";
  std::filesystem::path log_file;  // "" = standard error
  bool reflection = true;
  /// States whose beginning the hook and the webhook are told of.
  std::vector<std::string> notify_states{"SUCCEEDED", "FAILED", "CANCELLED"};
  std::filesystem::path hook_program;  // "" = none
  int hook_timeout_seconds = 10;
  std::string webhook_url;  // "" = none
  int webhook_timeout_seconds = 10;
  std::string metrics_listen;  // host:port of the Prometheus endpoint; "" = none; port 0 = any
};

struct AdminVerb;  // admin_verb.h

/// What the command line asks for.
struct CommandLine {
  enum class Action { kServe, kPrintConfig, kPrintText, kRunVerb };
  Action action = Action::kServe;
  std::string text;                              // of kPrintText: help or version
  std::function<int(const Config&)> run_verb{};  // of kRunVerb; returns the exit code
  Config config;                                 // checked
};

/// Reads the command line, and the TOML file that it names. Flags win over the file, the file over
/// the defaults. `verbs` are the commands beside serving. kInvalidArgument: wrong flags.
/// kFailedPrecondition: wrong configuration; the message has every fault, one line each.
Result<CommandLine> ParseCommandLine(int argc, const char* const* argv,
                                     const std::vector<AdminVerb>& verbs);

/// Reads the TOML text `toml` into `config`. kFailedPrecondition: unknown keys, values of the wrong
/// type; each with key and line. `name` is the file's, for messages.
Status ReadToml(const std::string& toml, const std::string& name, Config& config);

/// Fills in what depends on the machine (paths made absolute, threads) and checks every value.
/// kFailedPrecondition: all that is wrong, one line each.
Status FinishConfig(Config& config);

/// Returns `config` as a TOML file.
std::string ToToml(const Config& config);

}  // namespace distill::server
