#include "client/train_request.h"

#include <string_view>

#include "client/enum_text.h"
#include "client/field_path.h"
#include "client/term_parameters.h"

namespace distill::client {
namespace {

Status UsageError(const std::string& message) { return {Code::kInvalidArgument, message}; }

Status Apply(const std::vector<FlagSetting>& settings, v1::Job& job) {
  for (const FlagSetting& setting : settings) {
    const Status status = SetField(job, setting.path, setting.value);
    if (status.ok()) continue;
    // The user typed a flag: the path in front of the message means nothing to them.
    return UsageError(setting.flag + status.message().substr(setting.path.size()));
  }
  return {};
}

Status ApplyLabels(const std::vector<std::string>& labels, v1::Job& job) {
  for (const std::string& label : labels) {
    const size_t split = label.find('=');
    if (split == std::string::npos || split == 0) {
      return UsageError("--label: key=value is needed, not '" + label + "'");
    }
    (*job.mutable_labels())[label.substr(0, split)] = label.substr(split + 1);
  }
  return {};
}

// A name has no colon, so that what follows the last one is the condition.
Status ApplyAfter(const std::vector<std::string>& texts, v1::Job& job) {
  for (const std::string& text : texts) {
    const size_t split = text.rfind(':');
    v1::After& after = *job.add_after();
    after.set_job(text.substr(0, split));
    after.set_condition(v1::AFTER_CONDITION_OK);
    if (after.job().empty()) return UsageError("--after: a job is needed, not '" + text + "'");
    if (split == std::string::npos) continue;
    const auto condition =
        ParseEnum(*v1::AfterCondition_descriptor(), std::string_view(text).substr(split + 1));
    if (!condition.ok()) return condition.status().WithContext("--after");
    after.set_condition(static_cast<v1::AfterCondition>(*condition));
  }
  return {};
}

Status ApplyJobFlags(const JobFlags& flags, v1::Job& job) {
  DISTILL_RETURN_IF_ERROR(ApplyLabels(flags.labels, job));
  return ApplyAfter(flags.after, job);
}

bool Takes(const TermParameter& flag, v1::DistillationMethod method) {
  for (const v1::DistillationMethod candidate : flag.methods) {
    if (candidate == method) return true;
  }
  return false;
}

Status ApplyTermValue(const TermParameter& flag, const std::string& text,
                      v1::Distillation& distillation) {
  const size_t split = text.find('=');
  const std::string value = split == std::string::npos ? text : text.substr(split + 1);
  int wanted = v1::DISTILLATION_METHOD_UNSPECIFIED;
  if (split != std::string::npos) {
    const auto method = ParseEnum(*v1::DistillationMethod_descriptor(), text.substr(0, split));
    if (!method.ok()) return method.status().WithContext(flag.flag);
    wanted = *method;
  }
  bool has_found = false;
  for (v1::DistillationTerm& term : *distillation.mutable_terms()) {
    const bool is_meant = wanted == v1::DISTILLATION_METHOD_UNSPECIFIED || wanted == term.method();
    if (!is_meant || !Takes(flag, term.method())) continue;
    has_found = true;
    const Status status = SetField(term, flag.field, value);
    if (!status.ok()) {
      return UsageError(std::string(flag.flag) +
                        status.message().substr(std::string_view(flag.field).size()));
    }
  }
  if (has_found) return {};
  return UsageError(std::string(flag.flag) + ": none of the --kd methods takes it: " + text);
}

Status ApplyTermFlags(const DistillationFlags& flags, v1::Distillation& distillation) {
  for (const TermParameter& parameter : TermParameters()) {
    const auto given = flags.parameters.find(parameter.field);
    if (given == flags.parameters.end()) continue;
    for (const std::string& value : given->second) {
      DISTILL_RETURN_IF_ERROR(ApplyTermValue(parameter, value, distillation));
    }
  }
  return {};
}

bool HasDistillationParameters(const DistillationFlags& flags) {
  for (const auto& [field, values] : flags.parameters) {
    if (!values.empty()) return true;
  }
  return !flags.teachers.teachers.empty() || flags.teachers.has_details() || !flags.ratio.empty() ||
         !flags.ensemble.empty();
}

Status ApplyDistillation(const DistillationFlags& flags, v1::TrainJob& train) {
  if (!flags.is_asked_for) {
    if (!HasDistillationParameters(flags)) return {};
    return UsageError("flags for distillation were given without --kd METHOD");
  }
  v1::Distillation& distillation = *train.mutable_distillation();
  std::vector<std::string> methods = flags.methods;
  if (methods.empty()) methods = {"soft-target"};
  for (const std::string& text : methods) {
    const auto method = ParseEnum(*v1::DistillationMethod_descriptor(), text);
    if (!method.ok()) return method.status().WithContext("--kd");
    distillation.add_terms()->set_method(static_cast<v1::DistillationMethod>(*method));
  }
  if (!flags.ratio.empty()) {
    const Status status = SetField(distillation, "kd_ratio", flags.ratio);
    if (!status.ok()) return UsageError("--" + status.message());
  }
  if (!flags.ensemble.empty()) {
    const Status status = SetField(distillation, "ensemble", flags.ensemble);
    if (!status.ok()) return UsageError("--" + status.message());
  }
  if (flags.teachers.teachers.empty()) {
    return UsageError("--kd: a teacher is needed: --teacher JOB or FILE");
  }
  DISTILL_RETURN_IF_ERROR(AddTeachers(flags.teachers, *distillation.mutable_teachers()));
  return ApplyTermFlags(flags, distillation);
}

Status ApplyInitialWeights(const TrainFlags& flags, v1::TrainJob& train) {
  if (flags.pretrained && !flags.weights.empty()) {
    return UsageError("--pretrained and --weights: only one of them can be the start");
  }
  if (flags.pretrained) train.mutable_initial_weights()->set_pretrained(true);
  if (flags.weights.empty()) return {};
  if (IsFileName(flags.weights)) {
    train.mutable_initial_weights()->set_file(flags.weights);
  } else {
    train.mutable_initial_weights()->set_job(flags.weights);
  }
  return {};
}

Status AddPasses(const EvalFlags& flags, v1::EvalJob& eval) {
  std::vector<std::string> splits = flags.splits;
  if (splits.empty()) splits = {"test"};
  for (const std::string& text : splits) {
    const auto split = ParseEnum(*v1::Split_descriptor(), text);
    if (!split.ok()) return split.status().WithContext("--split");
    for (const bool tta : {false, true}) {
      if ((tta && !flags.tta && !flags.tta_only) || (!tta && flags.tta_only)) continue;
      v1::EvalPass& pass = *eval.add_passes();
      pass.set_split(static_cast<v1::Split>(*split));
      pass.set_tta(tta);
    }
  }
  return {};
}

}  // namespace

Result<v1::Job> BuildTrainJob(const TrainFlags& flags) {
  v1::Job job;
  v1::TrainJob& train = *job.mutable_train();
  if (flags.ema) train.mutable_ema();
  if (flags.rdrop) train.mutable_rdrop();
  DISTILL_RETURN_IF_ERROR(Apply(flags.settings, job));
  DISTILL_RETURN_IF_ERROR(ApplyJobFlags(flags.job_flags, job));
  DISTILL_RETURN_IF_ERROR(ApplyInitialWeights(flags, train));
  DISTILL_RETURN_IF_ERROR(ApplyDistillation(flags.distillation, train));
  return job;
}

Result<v1::Job> BuildEvalJob(const EvalFlags& flags) {
  v1::Job job;
  v1::EvalJob& eval = *job.mutable_eval();
  if (flags.job.empty() == flags.file.empty()) {
    const bool has_both = !flags.job.empty();
    return UsageError(has_both ? "eval: either a job or --weights, not both: " + flags.job +
                                     ", --weights " + flags.file
                               : "eval: a job, or --weights FILE with --model and --dataset, is "
                                 "needed");
  }
  if (flags.file.empty()) {
    eval.set_job(flags.job);
  } else {
    eval.set_file(flags.file);
  }
  DISTILL_RETURN_IF_ERROR(Apply(flags.settings, job));
  DISTILL_RETURN_IF_ERROR(ApplyJobFlags(flags.job_flags, job));
  DISTILL_RETURN_IF_ERROR(AddPasses(flags, eval));
  if (flags.without_teachers && !flags.teachers.teachers.empty()) {
    return UsageError("--teacher and --no-teacher: give one of them");
  }
  eval.set_without_teachers(flags.without_teachers);
  DISTILL_RETURN_IF_ERROR(AddTeachers(flags.teachers, *eval.mutable_teachers()));
  return job;
}

}  // namespace distill::client
