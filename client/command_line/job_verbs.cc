#include "client/command_line/verb.h"

namespace distill::client {
namespace {

struct JobNames {
  std::vector<std::string> jobs;
};

struct CancelOptions {
  JobSelection selection;
  bool wait = false;
};

struct ShowOptions {
  std::string job;
  // Of show:
  bool lineage = false;
  bool events = false;
};

struct QueueOptions {
  int limit = 0;
};

constexpr const char* kJobHelp = "name, id or @last";

// Adds the jobs that a verb applies to, or --group for all of a group.
void AddSelection(CLI::App& verb, JobSelection& selection) {
  CLI::Option* const jobs = verb.add_option("jobs", selection.jobs, kJobHelp);
  CLI::Option* const group =
      verb.add_option("--group", selection.group, "all jobs of yours in this group")
          ->type_name("NAME");
  verb.parse_complete_callback([jobs, group] {
    if (jobs->count() + group->count() == 0) throw CLI::RequiredError("jobs, or --group,");
  });
}

void AddList(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("ls", "list jobs, newest first");
  const auto options = Bind<ListOptions>(line, verb, List);
  AddRepeated(verb, "--state", options->states, "only jobs in this state; may be repeated")
      ->delimiter(',');
  verb.add_option("--owner", options->owner, "only jobs of this user");
  verb.add_option("--name-prefix", options->name_prefix, "only jobs whose name starts so");
  verb.add_option("--group", options->group, "only jobs of this group");
  verb.add_option("-n,--limit", options->limit, "at most so many; 0 = all")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  verb.add_flag("-q,--quiet", options->quiet, "print names only");
}

void AddLogs(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("logs", "print the log of a job");
  const auto options = Bind<LogOptions>(line, verb, Logs);
  verb.add_option("job", options->job, kJobHelp)->required();
  verb.add_flag("-f,--follow", options->follow, "go on until the job has ended");
  verb.add_flag("--tail", options->tail, "start with the last 64 KiB");
  verb.add_option("--attempt", options->attempt, "default: the newest");
}

void AddMetrics(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("metrics", "print or draw the course of jobs' metrics");
  const auto options = Bind<MetricOptions>(line, verb, Metrics);
  verb.add_option("jobs", options->jobs, kJobHelp)->required();
  AddRepeated(verb, "--name", options->names,
              "only this metric, e.g. val/accuracy; may be repeated")
      ->delimiter(',');
  CLI::Option* const csv = verb.add_flag_callback(
      "--csv", [options] { options->format = MetricFormat::kCsv; }, "every point, as CSV");
  CLI::Option* const json = verb.add_flag_callback(
      "--json", [options] { options->format = MetricFormat::kJson; }, "every point, as JSON");
  json->excludes(csv);
  CLI::Option* const plot = verb.add_flag_callback(
      "--plot", [options] { options->format = MetricFormat::kPlot; },
      "draw the curves; those of several jobs in one picture");
  plot->excludes(csv)->excludes(json);
  verb.add_option_function<std::string>(
          "--tensorboard",
          [options](const std::string& folder) {
            options->format = MetricFormat::kTensorBoard;
            options->folder = folder;
          },
          "write an event file for each job below this folder; again: the same files, brought up "
          "to date")
      ->type_name("FOLDER")
      ->excludes(csv)
      ->excludes(json)
      ->excludes(plot);
  verb.add_flag("--ascii", options->is_ascii, "draw with plain characters")->needs(plot);
}

void AddWait(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("wait", "wait until jobs have ended");
  const auto options = Bind<WaitOptions>(line, verb, Wait);
  verb.add_option("jobs", options->jobs, kJobHelp)->required();
  AddDuration(verb, "--timeout", "give up after this time (exit code 7)",
              [options](std::chrono::milliseconds timeout) { options->timeout = timeout; });
}

void AddCancel(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("cancel", "stop jobs, each with a checkpoint");
  const auto options = Bind<CancelOptions>(
      line, verb, [](const CommandContext& context, const CancelOptions& given) {
        return Cancel(context, given.selection, given.wait);
      });
  AddSelection(verb, options->selection);
  verb.add_flag("--wait", options->wait, "until they have stopped");
}

void AddPause(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand(
      "pause", "take jobs off their devices, each with a checkpoint, until they are resumed");
  const auto options = Bind<CancelOptions>(
      line, verb, [](const CommandContext& context, const CancelOptions& given) {
        return Pause(context, given.selection, given.wait);
      });
  AddSelection(verb, options->selection);
  verb.add_flag("--wait", options->wait, "until they are paused");
}

// Adds a verb that takes jobs, or a group.
void AddSelecting(CommandLine& line, const char* name, const char* help,
                  ExitCode (*run)(const CommandContext&, const JobSelection&)) {
  CLI::App& verb = *line.app.add_subcommand(name, help);
  const auto options = Bind<JobSelection>(line, verb, run);
  AddSelection(verb, *options);
}

// Adds a verb that takes jobs and nothing else.
void AddPlain(CommandLine& line, const char* name, const char* help,
              ExitCode (*run)(const CommandContext&, const std::vector<std::string>&)) {
  CLI::App& verb = *line.app.add_subcommand(name, help);
  const auto options =
      Bind<JobNames>(line, verb, [run](const CommandContext& context, const JobNames& given) {
        return run(context, given.jobs);
      });
  verb.add_option("jobs", options->jobs, kJobHelp)->required();
}

void AddShow(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("show", "show all about a job");
  const auto options =
      Bind<ShowOptions>(line, verb, [](const CommandContext& context, const ShowOptions& given) {
        if (given.lineage) return ShowLineage(context, given.job);
        return given.events ? ShowEvents(context, given.job) : Show(context, given.job);
      });
  verb.add_option("job", options->job, kJobHelp)->required();
  CLI::Option* const lineage =
      verb.add_flag("--lineage", options->lineage,
                    "what its numbers come from: data, weights and programs by their hashes, back "
                    "to the first file");
  verb.add_flag("--events", options->events,
                "what happened to it: changes of state, by whom, and what its workers told; a "
                "warning is to be looked at")
      ->excludes(lineage);
}

void AddWhy(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("why", "say why a job waits, and for how long yet");
  const auto options =
      Bind<ShowOptions>(line, verb, [](const CommandContext& context, const ShowOptions& given) {
        return Why(context, given.job);
      });
  verb.add_option("job", options->job, kJobHelp)->required();
}

void AddQueue(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("queue", "list the jobs that wait, the next one first");
  const auto options =
      Bind<QueueOptions>(line, verb, [](const CommandContext& context, const QueueOptions& given) {
        return Queue(context, given.limit);
      });
  verb.add_option("-n,--limit", options->limit, "at most so many, up to 1000 (default 100)")
      ->check(CLI::Range(1, 1000));
}

}  // namespace

void AddJobVerbs(CommandLine& line) {
  AddList(line);
  AddShow(line);
  AddWhy(line);
  AddQueue(line);
  AddPlain(line, "watch", "follow the progress of jobs", Watch);
  AddWait(line);
  AddLogs(line);
  AddMetrics(line);
  AddCancel(line);
  AddPause(line);
  AddSelecting(line, "resume", "queue paused jobs; they go on from their checkpoint", Resume);
  AddSelecting(line, "requeue", "queue jobs again; they resume from their last checkpoint",
               Requeue);
  AddPlain(line, "delete", "remove ended jobs with their metrics and files", Delete);
}

}  // namespace distill::client
