#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/teacher_request.h"
#include "core/base/status.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// A flag whose value is one field of the request.
struct FlagSetting {
  std::string flag;  // for messages, e.g. "--lr"
  std::string path;  // e.g. "train.optimizer.learning_rate"
  std::string value;
};

/// Flags of every kind of job whose values need more than their text.
struct JobFlags {
  std::vector<std::string> labels;  // "key=value"
  std::vector<std::string> after;   // "JOB", or "JOB:ok", "JOB:any", "JOB:fail"
};

/// The flags of `train` about distillation. Those of a term are "VALUE", for all terms that take
/// it, or "METHOD=VALUE".
struct DistillationFlags {
  bool is_asked_for = false;         // --kd was given, with or without a method
  std::vector<std::string> methods;  // none: SoftTarget, as the reference
  TeacherFlags teachers;
  std::string ensemble;
  std::string ratio;
  std::map<std::string, std::vector<std::string>> parameters;  // by TermParameter::field
};

struct TrainFlags {
  std::vector<FlagSetting> settings;
  JobFlags job_flags;
  bool ema = false;
  bool rdrop = false;
  bool pretrained = false;
  std::string weights;  // a file, or a job
  DistillationFlags distillation;
};

struct EvalFlags {
  std::vector<FlagSetting> settings;
  JobFlags job_flags;
  std::string job;  // exactly one of job and file
  std::string file;
  std::vector<std::string> splits;  // none: test; a plain pass of each
  bool tta = false;                 // a pass with TTA of each, too
  bool tta_only = false;            // only passes with TTA
  TeacherFlags teachers;            // to compare with; none: those of the job
  bool without_teachers = false;
};

/// Returns the job that the flags ask for. kInvalidArgument: a value does not fit, or flags
/// contradict each other; the message names the flag. Another code: a file that a flag names cannot
/// be read.
Result<v1::Job> BuildTrainJob(const TrainFlags& flags);
Result<v1::Job> BuildEvalJob(const EvalFlags& flags);

}  // namespace distill::client
