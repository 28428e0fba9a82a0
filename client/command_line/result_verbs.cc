#include "client/command_line/verb.h"

namespace distill::client {
namespace {

struct ArtifactsOptions {
  std::string job;
};

void AddTable(CommandLine& line) {
  CLI::App& verb =
      *line.app.add_subcommand("table", "compare training jobs by their newest evaluations");
  const auto options = Bind<TableOptions>(line, verb, Table);
  verb.add_option("jobs", options->jobs, "training jobs, or their evaluation jobs");
  verb.add_flag("--all", options->all, "all training jobs");
  verb.add_flag("--seeds", options->over_seeds,
                "one row for jobs that differ in their seed only: mean and standard deviation");
  verb.add_option("--checkpoint", options->checkpoint, "best or last")->capture_default_str();
  CLI::Option* const csv = verb.add_flag_callback(
      "--csv", [options] { options->format = TableFormat::kCsv; }, "as CSV");
  verb.add_flag_callback(
          "--markdown", [options] { options->format = TableFormat::kMarkdown; }, "as Markdown")
      ->excludes(csv);
}

void AddEvaluations(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("evaluations", "print the evaluations of jobs' models");
  const auto options = Bind<EvaluationOptions>(line, verb, Evaluations);
  verb.add_option("jobs", options->jobs, "training or evaluation jobs")->required();
  CLI::Option* const classes = verb.add_flag_callback(
      "--classes", [options] { options->part = EvaluationPart::kClasses; }, "one row per class");
  verb.add_flag_callback(
          "--confusion", [options] { options->part = EvaluationPart::kConfusion; },
          "the confusion matrices")
      ->excludes(classes);
  verb.add_flag("--csv", options->csv, "as CSV");
}

void AddReport(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand(
      "report",
      "write one HTML page about training jobs: curves, table, confusion, wrong pictures");
  const auto options = Bind<ReportOptions>(line, verb, WriteReport);
  verb.add_option("jobs", options->jobs, "training jobs, or their evaluation jobs")->required();
  verb.add_option("-o,--out", options->file, "file to write")->capture_default_str();
}

void AddGetModel(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("get-model", "fetch the trained model of a job");
  const auto options = Bind<GetModelOptions>(line, verb, GetModel);
  verb.add_option("job", options->job, "name, id or @last")->required();
  verb.add_option("-o,--out", options->file,
                  "file to write (default: JOB.FORMAT; with --artifact JOB-ARTIFACT)");
  verb.add_option_function<std::string>(
          "--format", [options](const std::string& name) { options->format = FormatNamed(name); },
          "safetensors, pth (a state_dict for torch.load) or onnx; default: what the file's "
          "extension says, else safetensors")
      ->check(CLI::IsMember({"safetensors", "pth", "onnx"}))
      ->type_name("FORMAT");
  verb.add_option("--artifact", options->artifact,
                  "another file of the job (distillctl artifacts JOB)");
}

void AddArtifacts(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("artifacts", "list the files of a job");
  const auto options = Bind<ArtifactsOptions>(
      line, verb, [](const CommandContext& context, const ArtifactsOptions& given) {
        return Artifacts(context, given.job);
      });
  verb.add_option("job", options->job, "name, id or @last")->required();
}

}  // namespace

void AddResultVerbs(CommandLine& line) {
  AddTable(line);
  AddEvaluations(line);
  AddReport(line);
  AddGetModel(line);
  AddArtifacts(line);
}

}  // namespace distill::client
