#include <CLI/CLI.hpp>

#include "core/base/durable_file.h"
#include "core/base/version.h"
#include "server/app/admin_verb.h"
#include "server/app/config.h"

namespace distill::server {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;

// A path option: CLI11 would take std::filesystem::path for a list.
CLI::Option* AddPath(CLI::App& app, const char* flag, std::filesystem::path& target,
                     const char* help) {
  return app
      .add_option_function<std::string>(
          flag, [&target](const std::string& value) { target = value; }, help)
      ->type_name("PATH");
}

void AddAccessOptions(CLI::App& app, Config& config) {
  app.add_option("--listen", config.listen, "host:port to serve on; port 0 takes a free one")
      ->type_name("ADDRESS");
  AddPath(app, "--tls-certificate", config.tls_certificate, "PEM file; with it, TLS is spoken");
  AddPath(app, "--tls-key", config.tls_key, "PEM file of its private key");
  AddPath(app, "--tls-client-ca", config.tls_client_ca,
          "PEM file; with it, clients must show a certificate of this authority");
  app.add_flag("--private-jobs,!--no-private-jobs", config.private_jobs,
               "jobs are for their owners and admins only");
  app.add_option("--audit-keep-days", config.audit_keep_days, "how long the audit trail is kept");
}

void AddPlaces(CLI::App& app, Config& config) {
  AddPath(app, "--state-dir", config.state_dir, "folder of the database and the runs");
  app.add_option("--dataset-roots,--dataset-root", config.dataset_roots,
                 "folders that data sets may lie in")
      ->delimiter(',')
      ->type_name("PATH,...");
  app.add_option("--weights-roots,--weights-root", config.weights_roots,
                 "folders that weights files may lie in")
      ->delimiter(',')
      ->type_name("PATH,...");
  AddPath(app, "--weights-dir", config.weights_dir, "folder of the published weights (pretrained)");
  app.add_flag("--allow-torchscript,!--no-allow-torchscript", config.allow_torchscript,
               "teachers may be TorchScript files, which are programs that workers run");
  AddPath(app, "--worker-executable", config.worker_executable, "distill_worker");
}

void AddWorkerOptions(CLI::App& app, Config& config) {
  app.add_option("--worker-user", config.worker_user,
                 "whom workers run as, where the daemon is root")
      ->type_name("USER");
  app.add_option("--devices", config.devices, "auto, or any of cpu, GPU indexes, GPU UUIDs")
      ->delimiter(',')
      ->type_name("DEVICE,...");
  app.add_option("--nvml-library", config.nvml_library, "NVIDIA's management library")
      ->type_name("FILE");
  app.add_option("--cpu-devices", config.cpu_devices,
                 "as how many devices the CPU counts; they share its threads");
  app.add_option("--worker-threads", config.worker_threads, "threads of a worker; 0 = all cores");
  app.add_option("--worker-stop-grace-seconds", config.worker_stop_grace_seconds,
                 "time that a worker has for its last checkpoint");
  app.add_option("--worker-stalled-after-seconds", config.worker_stalled_after_seconds,
                 "silence of a worker after which its job counts as stalled");
}

void AddLimits(CLI::App& app, Config& config) {
  app.add_option("--max-queued-jobs", config.max_queued_jobs, "jobs that may wait");
  app.add_option("--max-queued-jobs-per-user", config.max_queued_jobs_per_user,
                 "jobs of a user that may wait");
  app.add_option("--max-submits-per-minute", config.max_submits_per_minute,
                 "new jobs a minute of each user");
  app.add_option("--max-disk-bytes-per-user", config.max_disk_bytes_per_user,
                 "of the artifacts of a user's jobs; 0 = no limit");
  app.add_option("--max-streams", config.max_streams, "open streams");
  app.add_option("--max-streams-per-user", config.max_streams_per_user,
                 "open streams of each user");
  app.add_option("--max-log-bytes", config.max_log_bytes, "of a worker's log; 0 = no limit");
  app.add_option("--max-artifact-bytes", config.max_artifact_bytes,
                 "of a worker's file; 0 = no limit");
  app.add_option("--max-message-bytes", config.max_message_bytes, "largest request");
}

void AddRetention(CLI::App& app, Config& config) {
  app.add_option("--retention-checkpoint-days", config.retention_checkpoint_days,
                 "days after its end that a job's training checkpoints are kept; 0 = for ever");
  app.add_option("--retention-log-days", config.retention_log_days, "the same for worker logs");
  app.add_option("--retention-max-gib", config.retention_max_gib,
                 "size of all run folders above which files of ended jobs go; 0 = no limit");
  app.add_flag("--retention-removes-models,!--no-retention-removes-models",
               config.retention_removes_models, "let models of ended jobs go too, after all else");
  app.add_option("--min-free-disk-mib", config.min_free_disk_mib,
                 "free disk below which no job starts and files of ended jobs go; 0 = never mind");
}

void AddOutlets(CLI::App& app, Config& config) {
  app.add_option("--log-level", config.log_level, "debug, info, warning or error");
  AddPath(app, "--log-file", config.log_file, "instead of standard error");
  app.add_flag("--reflection,!--no-reflection", config.reflection, "gRPC reflection");
  app.add_option("--notify-states", config.notify_states,
                 "states of jobs that hook and webhook are told of")
      ->delimiter(',')
      ->type_name("STATE,...");
  AddPath(app, "--hook-program", config.hook_program, "program to run at changes of state");
  app.add_option("--hook-timeout-seconds", config.hook_timeout_seconds, "then it is killed");
  app.add_option("--webhook-url", config.webhook_url, "where to POST changes of state");
  app.add_option("--webhook-timeout-seconds", config.webhook_timeout_seconds,
                 "longest wait for its answer");
  app.add_option("--metrics-listen", config.metrics_listen,
                 "host:port of the Prometheus endpoint; none unless given")
      ->type_name("ADDRESS");
}

void AddSchedulingOptions(CLI::App& app, Config& config) {
  app.add_option("--fair-share-half-life-hours", config.fair_share_half_life_hours,
                 "what a user had of the devices counts half as much after it");
  app.add_option("--ageing-minutes", config.ageing_minutes,
                 "of waiting, for a point of priority; 0 = never");
  app.add_option("--max-running-jobs-per-user", config.max_running_jobs_per_user, "0 = no limit");
  app.add_option("--max-devices-per-user", config.max_devices_per_user, "0 = no limit");
  app.add_option("--gpu-overhead-mib", config.gpu_overhead_mib,
                 "memory of a worker on a GPU beside what it declares");
  app.add_flag("--preemption,!--no-preemption", config.preemption,
               "jobs of much lower priority make room");
  app.add_option("--preemption-margin", config.preemption_margin, "how much lower");
  app.add_option("--preemption-min-run-minutes", config.preemption_min_run_minutes,
                 "jobs that ran for less are left alone");
}

struct Parsed {
  bool print_config = false;
  bool print_version = false;
  std::string config_file;
  std::string help;
  AdminVerb::Run run_verb;  // empty: serve
};

void AddVerbs(CLI::App& app, const std::vector<AdminVerb>& verbs, Parsed& parsed) {
  app.require_subcommand(0, 1);
  for (const AdminVerb& verb : verbs) {
    CLI::App* parser = app.add_subcommand(verb.name, verb.summary);
    parser->fallthrough();  // the daemon's options may follow the verb
    const AdminVerb::Run run = verb.declare(*parser);
    parser->final_callback([&parsed, run] { parsed.run_verb = run; });
  }
}

// Parses the command line into `config`, on top of what it holds.
Result<Parsed> ParseInto(int argc, const char* const* argv, const std::vector<AdminVerb>& verbs,
                         Config& config) {
  CLI::App app("distilld: queues training jobs onto the devices of this machine", "distilld");
  Parsed parsed;
  app.add_option("--config", parsed.config_file, "TOML file of options")->type_name("PATH");
  app.add_flag("--print-config", parsed.print_config, "print all options as TOML and leave");
  app.add_flag("--version", parsed.print_version, "print the version and leave");
  AddAccessOptions(app, config);
  AddPlaces(app, config);
  AddWorkerOptions(app, config);
  AddLimits(app, config);
  AddRetention(app, config);
  AddOutlets(app, config);
  AddSchedulingOptions(app, config);
  AddVerbs(app, verbs, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    parsed.help = app.help();
  } catch (const CLI::ParseError& error) {
    return Status(Code::kInvalidArgument, error.what());
  }
  return parsed;
}

}  // namespace

Result<CommandLine> ParseCommandLine(int argc, const char* const* argv,
                                     const std::vector<AdminVerb>& verbs) {
  CommandLine line;
  DISTILL_ASSIGN_OR_RETURN(Parsed parsed, ParseInto(argc, argv, verbs, line.config));
  if (!parsed.help.empty() || parsed.print_version) {
    line.action = CommandLine::Action::kPrintText;
    line.text = parsed.print_version ? "distilld " + std::string(kVersion) + "\n" : parsed.help;
    return line;
  }
  if (!parsed.config_file.empty()) {
    const Result<std::string> toml = ReadFile(parsed.config_file, kMaxConfigBytes);
    if (!toml.ok()) {
      return Status(Code::kFailedPrecondition, toml.status().WithContext("--config").message());
    }
    line.config = Config();
    DISTILL_RETURN_IF_ERROR(ReadToml(*toml, parsed.config_file, line.config));
    // Once more, so that flags win over the file.
    DISTILL_ASSIGN_OR_RETURN(parsed, ParseInto(argc, argv, verbs, line.config));
  }
  DISTILL_RETURN_IF_ERROR(FinishConfig(line.config));
  if (parsed.run_verb) line.action = CommandLine::Action::kRunVerb;
  line.run_verb = parsed.run_verb;
  if (parsed.print_config) line.action = CommandLine::Action::kPrintConfig;
  return line;
}

}  // namespace distill::server
