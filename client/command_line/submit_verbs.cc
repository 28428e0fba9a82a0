#include <string_view>

#include "client/command_line/flag_tables.h"
#include "client/command_line/verb.h"
#include "client/output/quantity_text.h"
#include "client/term_parameters.h"

namespace distill::client {
namespace {

// Returns the first of "--a,--b".
std::string FirstName(std::string_view names) {
  return std::string(names.substr(0, names.find(',')));
}

template <typename Flags>
void AddFieldFlags(CLI::App& verb, const FlagGroup& group, const std::shared_ptr<Flags>& flags) {
  for (const FieldFlag& flag : group.flags) {
    const std::string name = FirstName(flag.names);
    const std::string path = flag.path;
    CLI::Option* option = nullptr;
    if (std::string_view(flag.type).empty()) {
      option = verb.add_flag_callback(
          flag.names,
          [flags, name, path] {
            flags->settings.push_back({name, path, "true"});
          },
          flag.help);
    } else {
      option = verb.add_option_function<std::string>(
          flag.names,
          [flags, name, path](const std::string& value) {
            flags->settings.push_back({name, path, value});
          },
          flag.help);
      option->type_name(flag.type);
    }
    option->group(group.title);
  }
}

// Adds --label and --time-limit, which need more than their text.
template <typename Flags>
void AddJobFlags(CLI::App& verb, const std::shared_ptr<Flags>& flags, const std::string& kind) {
  AddFieldFlags(verb, JobFlagGroup(), flags);
  AddRepeated(verb, "--label", flags->job_flags.labels, "KEY=VALUE; may be repeated")->group("Job");
  AddRepeated(verb, "--after", flags->job_flags.after,
              "start once that job has ended: ok (default) = it succeeded; may be repeated")
      ->type_name("JOB[:ok|any|fail]")
      ->group("Job");
  verb.add_option_function<std::string>(
          "--gpu-memory",
          [flags](const std::string& text) {
            const auto bytes = ParseBytes(text);
            if (!bytes.ok()) throw CLI::ValidationError("--gpu-memory", bytes.status().message());
            flags->settings.push_back(
                {"--gpu-memory", "resources.gpu_memory_bytes", std::to_string(*bytes)});
          },
          "share a GPU: what the job may use of it, e.g. 12GiB (default: the whole GPU)")
      ->type_name("SIZE")
      ->group("Job");
  AddDuration(verb, "--time-limit", "stop after this time, e.g. 2h",
              [flags, kind](std::chrono::milliseconds limit) {
                flags->settings.push_back({"--time-limit", kind + ".time_limit_seconds",
                                           std::to_string((limit.count() + 999) / 1000)});
              })
      ->group("Job");
}

void AddSubmitFlags(CLI::App& verb, SubmitOptions& options) {
  const char* const group = "Submission";
  verb.add_flag("--wait", options.wait, "wait for the end; the job's outcome is the exit code")
      ->group(group);
  verb.add_flag("--follow,--watch", options.follow, "as --wait, showing the progress")
      ->group(group);
  verb.add_flag("--dry-run", options.dry_run, "have it checked, submit nothing")->group(group);
  verb.add_flag("-q,--quiet", options.quiet, "print the id only")->group(group);
  verb.add_option("--request-id", options.request_id,
                  "a UUID: submitting again with it makes no second job")
      ->group(group);
}

// Returns the field that a flag sets ("lr" or "--lr"); a path stands for itself.
std::string PathOf(const std::string& key, const std::vector<FlagGroup>& groups) {
  for (const FlagGroup& group : groups) {
    for (const FieldFlag& flag : group.flags) {
      const std::string names = "," + std::string(flag.names) + ",";
      if (names.find(",--" + key + ",") != std::string::npos) return flag.path;
    }
  }
  return key.find('.') != std::string::npos ? key : "";
}

void AddGrid(CLI::App& verb, std::vector<FlagGroup> groups, SubmitOptions& options) {
  groups.push_back(JobFlagGroup());
  verb.add_option_function<std::vector<std::string>>(
          "--grid",
          [groups = std::move(groups), &options](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              auto axis = ParseGridAxis(text);
              if (!axis.ok()) throw CLI::ValidationError(axis.status().message());
              axis->path = PathOf(axis->name, groups);
              if (axis->path.empty()) {
                throw CLI::ValidationError("--grid", "no flag of this verb: " + axis->name);
              }
              options.grid.push_back(*axis);
            }
          },
          "a job for each value, e.g. lr=1e-3,3e-4; repeated: for each combination")
      ->type_name("FLAG=VALUE,...")
      ->allow_extra_args(false)
      ->group("Submission");
}

void AddSeeds(CLI::App& verb, SubmitOptions& options) {
  verb.add_option_function<std::string>(
          "--seeds",
          [&options](const std::string& text) {
            auto axis = ParseGridAxis("seed=" + text);
            if (!axis.ok()) throw CLI::ValidationError("--seeds", axis.status().message());
            axis->path = "train.seed";
            axis->flag = "--seeds";
            options.grid.push_back(*axis);
          },
          "a job for each seed, e.g. 0,1,2, in one group; then: distillctl table --seeds JOB...")
      ->type_name("SEED,...")
      ->group("Submission");
}

struct TrainOptions {
  TrainFlags flags;
  SubmitOptions submit;
};

struct EvalOptions {
  EvalFlags flags;
  SubmitOptions submit;
};

void AddTeacherFlags(CLI::App& verb, const char* group, TeacherFlags& flags) {
  const auto add = [&](const char* names, std::vector<std::string>& values, const char* help,
                       const char* type) {
    AddRepeated(verb, names, values, help)->type_name(type)->group(group);
  };
  add("--teacher,--teacher_path", flags.teachers,
      "a job, or a file of weights on the server (with / or .pth, .pt, .safetensors, .ts); may be "
      "repeated; the flags that follow are then given once, or once for each teacher (- = not for "
      "this one)",
      "JOB|FILE");
  add("--teacher-model", flags.models,
      "architecture of the teacher's file, or torchscript: a TorchScript file, whose network may "
      "be of any architecture",
      "MODEL");
  add("--teacher-checkpoint", flags.checkpoints, "best (default) or last", "KIND");
  add("--teacher-mean", flags.means,
      "normalisation that the file was trained with, e.g. 0.5,0.5,0.5; default: the student's, of "
      "a TorchScript file ImageNet's",
      "R,G,B");
  add("--teacher-std", flags.stds, "as --teacher-mean", "R,G,B");
  add("--teacher-image-size", flags.image_sizes,
      "side of the square pictures that the file sees; default: the student's", "PIXELS");
  add("--teacher-classes", flags.classes,
      "a file on this machine: the classes of the teacher's file, one a line, in the order of its "
      "outputs",
      "FILE");
  add("--teacher-class-map", flags.class_maps,
      "where the teacher's classes are others than the data set's: by-name, or a file on this "
      "machine with a line 'class of the data set,class of the teacher' for each class of the data "
      "set, with nothing after the comma where the teacher does not know it",
      "by-name|FILE");
}

void AddDistillationFlags(CLI::App& verb, DistillationFlags& flags) {
  const char* const group = "Distillation";
  const auto repeated = [&](const char* names, std::vector<std::string>& values, const char* help) {
    AddRepeated(verb, names, values, help)->group(group);
  };
  // With expected(0, 1) each use takes a method or none: the reference has a bare --kd.
  verb.add_option("--kd,--kd_method,--kd-method", flags.methods,
                  "soft-target, mgd, sp, at, dkd, dist, fitnet, rkd, pkt or crd; may be repeated")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("METHOD")
      ->group(group);
  AddTeacherFlags(verb, group, flags.teachers);
  repeated("--teacher-weight", flags.teachers.weights, "of the teacher in an ensemble; default 1");
  verb.add_option("--ensemble", flags.ensemble,
                  "what several teachers are together: mean-kl (default), mean-prob, mean-logit or "
                  "random-one")
      ->group(group);
  verb.add_option(
          "--kd-ratio,--kd_ratio", flags.ratio,
          "weight of soft-target, mgd, sp and at by the reference's rule: R/(1-R) below 1, else R; "
          "AT: R; default 0.7")
      ->type_name("R")
      ->group(group);
  for (const TermParameter& parameter : TermParameters()) {
    repeated(parameter.flag, flags.parameters[parameter.field], parameter.help);
  }
}

void AddTrain(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("train", "submit a training job");
  const auto options =
      Bind<TrainOptions>(line, verb, [](const CommandContext& context, const TrainOptions& given) {
        TrainOptions wanted = given;
        // A bare --kd leaves an empty text behind.
        std::erase(wanted.flags.distillation.methods, "");
        return Train(context, wanted.flags, wanted.submit);
      });
  const std::shared_ptr<TrainFlags> flags(options, &options->flags);
  for (const FlagGroup& group : TrainFlagGroups()) AddFieldFlags(verb, group, flags);
  verb.add_flag_callback(
          "--imagenet-meanstd,--imagenet_meanstd",
          [flags] {
            flags->settings.push_back(
                {"--imagenet-meanstd", "train.input.normalization", "imagenet"});
          },
          "normalise by ImageNet's mean and std")
      ->group("Data and model");
  verb.add_flag("--pretrained", flags->pretrained, "start from published ImageNet weights")
      ->group("Data and model");
  verb.add_option("--weights,--weight", flags->weights,
                  "start from a file on the server, or a job's best checkpoint")
      ->type_name("FILE|JOB")
      ->group("Data and model");
  verb.add_flag("--ema", flags->ema, "average the weights")->group("Optimiser and schedule");
  verb.add_flag("--rdrop", flags->rdrop, "regularise by R-Drop")->group("Loss");
  AddDistillationFlags(verb, flags->distillation);
  verb.parse_complete_callback(
      [flags, &verb] { flags->distillation.is_asked_for = verb.get_option("--kd")->count() > 0; });
  AddJobFlags(verb, flags, "train");
  AddGrid(verb, TrainFlagGroups(), options->submit);
  AddSeeds(verb, options->submit);
  AddSubmitFlags(verb, options->submit);
}

void AddEval(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("eval", "submit an evaluation job");
  const auto options =
      Bind<EvalOptions>(line, verb, [](const CommandContext& context, const EvalOptions& given) {
        return Eval(context, given.flags, given.submit);
      });
  const std::shared_ptr<EvalFlags> flags(options, &options->flags);
  verb.add_option("job", flags->job, "the training job whose model is evaluated");
  for (const FlagGroup& group : EvalFlagGroups()) AddFieldFlags(verb, group, flags);
  verb.add_option("--weights", flags->file, "evaluate a file on the server instead of a job")
      ->type_name("FILE")
      ->group("Evaluation");
  AddRepeated(verb, "--split", flags->splits, "train, val or test (default), or several: val,test")
      ->delimiter(',')
      ->group("Evaluation");
  verb.add_flag("--tta,--test-tta,--test_tta", flags->tta,
                "with ten crops (mean of the logits), beside the plain pass")
      ->group("Evaluation");
  verb.add_flag("--tta-only", flags->tta_only, "with ten crops, without the plain pass")
      ->group("Evaluation");
  AddTeacherFlags(verb, "Teachers to compare with (default: those of the job)", flags->teachers);
  verb.add_flag("--no-teacher", flags->without_teachers, "compare with no teacher")
      ->group("Teachers to compare with (default: those of the job)");
  AddJobFlags(verb, flags, "eval");
  AddGrid(verb, EvalFlagGroups(), options->submit);
  AddSubmitFlags(verb, options->submit);
}

void AddSubmit(CommandLine& line) {
  CLI::App& verb = *line.app.add_subcommand("submit", "submit the jobs of a YAML or JSON file");
  const auto options = Bind<SubmitFileOptions>(line, verb, SubmitFile);
  verb.add_option("-f,--file", options->file, "the file; - = standard input")->required();
  verb.add_option("--set", options->settings,
                  "PATH=VALUE ...: sets a field of all jobs that have it, e.g. train.epochs=2")
      ->type_name("PATH=VALUE");
  verb.add_option(
          "--only", options->only,
          "NAME ...: of the file's jobs only these, e.g. 'resnet20*'; what they need of the "
          "others must be there already")
      ->type_name("NAME");
  verb.add_option("--prefix", options->prefix, "goes before the names of all jobs");
  AddSubmitFlags(verb, options->submit);
}

}  // namespace

void AddSubmitVerbs(CommandLine& line) {
  AddTrain(line);
  AddEval(line);
  AddSubmit(line);
}

}  // namespace distill::client
