#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/command/command_context.h"
#include "client/job_grid.h"
#include "client/model_export.h"
#include "client/train_request.h"

namespace distill::client {

/// The verbs of distillctl. Each prints data to out(), everything else to err(), blocks until it is
/// done, and returns how the program ends.

/// What to do once a job is submitted.
struct SubmitOptions {
  bool wait = false;     // until it has ended; its outcome is the exit code
  bool follow = false;   // as wait, with a line of progress
  bool dry_run = false;  // have it checked only
  bool quiet = false;    // print ids only
  std::string request_id;
  std::vector<GridAxis> grid;  // not of a file
};

ExitCode Train(const CommandContext& context, const TrainFlags& flags,
               const SubmitOptions& options);
ExitCode Eval(const CommandContext& context, const EvalFlags& flags, const SubmitOptions& options);

struct SubmitFileOptions {
  std::string file;  // "-" = standard input
  std::vector<std::string> settings;
  std::vector<std::string> only;  // none: all
  std::string prefix;
  SubmitOptions submit;
};
ExitCode SubmitFile(const CommandContext& context, const SubmitFileOptions& options);

struct ListOptions {
  std::vector<std::string> states;
  std::string owner;
  std::string name_prefix;
  std::string group;
  int limit = 50;  // 0 = all
  bool quiet = false;
};
ExitCode List(const CommandContext& context, const ListOptions& options);

ExitCode Show(const CommandContext& context, const std::string& job);

/// Prints what a job was made from, back to the first files: its run, those of its teachers, and so
/// on, with the hash of each file read.
ExitCode ShowLineage(const CommandContext& context, const std::string& job);

/// Prints what happened to a job: its changes of state and what its workers told, oldest first.
ExitCode ShowEvents(const CommandContext& context, const std::string& job);

/// Says why a job waits: the rule, who holds what it waits for, and when it is expected to start.
ExitCode Why(const CommandContext& context, const std::string& job);

/// Lists the jobs that wait, in the order in which they are to start.
ExitCode Queue(const CommandContext& context, int limit);

struct TopOptions {
  bool once = false;  // else redrawn on a terminal until interrupted
  std::chrono::milliseconds interval{2'000};
};
/// Shows devices, and who runs what on them.
ExitCode Top(const CommandContext& context, const TopOptions& options);

ExitCode Watch(const CommandContext& context, const std::vector<std::string>& jobs);

struct AwaitOptions {
  bool shows_progress = false;  // on err()
  bool quiet = false;           // print nothing of what came of them
};
/// Watches jobs until all have ended. Prints the evaluations of those that evaluate; as JSON one
/// document with the jobs as they were last seen and the evaluations.
ExitCode AwaitJobs(const CommandContext& context, const std::vector<std::string>& jobs,
                   const AwaitOptions& options);

/// Waits until each job is PAUSED or has ended, and prints which. kOk: all are PAUSED, or SUCCEEDED
/// before they could be.
ExitCode AwaitPause(const CommandContext& context, const std::vector<std::string>& jobs);

struct WaitOptions {
  std::vector<std::string> jobs;
  std::optional<std::chrono::milliseconds> timeout;
};
ExitCode Wait(const CommandContext& context, const WaitOptions& options);

struct LogOptions {
  std::string job;
  bool follow = false;
  bool tail = false;  // the last 64 KiB only
  int attempt = 0;    // 0 = the newest
};
ExitCode Logs(const CommandContext& context, const LogOptions& options);

enum class MetricFormat { kTable, kCsv, kJson, kPlot, kTensorBoard };
struct MetricOptions {
  std::vector<std::string> jobs;  // several: kPlot and kTensorBoard only
  std::vector<std::string> names;
  MetricFormat format = MetricFormat::kTable;
  bool is_ascii = false;  // of kPlot
  std::string folder;     // of kTensorBoard: gets a folder for each job
};
ExitCode Metrics(const CommandContext& context, const MetricOptions& options);

/// Prints the job's name and state; as JSON the job.
void PrintJobState(const CommandContext& context, const v1::Job& job);

/// Jobs by name, or those of the caller's in a group that the verb applies to.
struct JobSelection {
  std::vector<std::string> jobs;
  std::string group;  // "" = only `jobs`
};
ExitCode Cancel(const CommandContext& context, const JobSelection& selection, bool wait);
/// With `wait`, until they are PAUSED (or have ended first).
ExitCode Pause(const CommandContext& context, const JobSelection& selection, bool wait);
ExitCode Resume(const CommandContext& context, const JobSelection& selection);
ExitCode Requeue(const CommandContext& context, const JobSelection& selection);
ExitCode Delete(const CommandContext& context, const std::vector<std::string>& jobs);

enum class TableFormat { kTable, kCsv, kMarkdown };
struct TableOptions {
  std::vector<std::string> jobs;
  bool all = false;
  bool over_seeds = false;  // mean and deviation over jobs that differ in their seed only
  std::string checkpoint = "best";
  TableFormat format = TableFormat::kTable;
};
ExitCode Table(const CommandContext& context, const TableOptions& options);

struct ReportOptions {
  std::vector<std::string> jobs;
  std::string file = "report.html";
};
/// Writes one HTML page about training jobs.
ExitCode WriteReport(const CommandContext& context, const ReportOptions& options);

enum class EvaluationPart { kOverall, kClasses, kConfusion };
struct EvaluationOptions {
  std::vector<std::string> jobs;
  EvaluationPart part = EvaluationPart::kOverall;
  bool csv = false;
};
ExitCode Evaluations(const CommandContext& context, const EvaluationOptions& options);

ExitCode Devices(const CommandContext& context);

struct DatasetAddOptions {
  std::string name;
  std::string path;
  std::optional<double> val_fraction;
  std::optional<double> test_fraction;
  std::optional<int64_t> seed;
  std::string bad_files;  // "" = the server's default
  bool wait = true;       // until it has been scanned
};
ExitCode DatasetAdd(const CommandContext& context, const DatasetAddOptions& options);
ExitCode DatasetList(const CommandContext& context, bool quiet);
ExitCode DatasetShow(const CommandContext& context, const std::string& name);
ExitCode DatasetRemove(const CommandContext& context, const std::string& name);

struct GetModelOptions {
  std::string job;
  std::string file;                   // "" = here: JOB.FORMAT, or JOB-ARTIFACT
  std::string artifact;               // "" = the best model
  std::optional<ModelFormat> format;  // else the one that the file's extension stands for
};
ExitCode GetModel(const CommandContext& context, const GetModelOptions& options);
ExitCode Artifacts(const CommandContext& context, const std::string& job);

/// Reads a token from the terminal or from standard input, tries it, and stores it with the
/// server's address and authority.
ExitCode Login(const CommandContext& context);
/// Forgets what Login stored.
ExitCode Logout(const CommandContext& context);
/// Prints whom the server takes the caller for.
ExitCode WhoAmI(const CommandContext& context);

ExitCode Version(const CommandContext& context);

/// The version of this program, e.g. "0.1.0".
std::string ClientVersion();

}  // namespace distill::client
