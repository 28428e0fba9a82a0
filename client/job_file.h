#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// Reads jobs from YAML or JSON. A document is one job (the fields of distill.v1.Job), or a list of
/// jobs under `jobs`; `defaults` holds fields that each job after it starts from: its `train` goes
/// into training jobs, its `eval` into evaluation jobs, all else into both. A list in a job
/// replaces the default's list; null takes a default away.
///
/// Beside `jobs` a document may have:
/// - `variants`: fields of training jobs under a name each, for this document and those after it. A
///   job with `variants: [A, B]` stands for two: NAME-A and NAME-B, which start from the defaults,
///   then the variant, then the job's own fields.
/// - `evaluate: true`: each training job of this document is followed by an evaluation of it,
///   NAME-eval, with the defaults of evaluations.
///
/// kInvalidArgument: all that is wrong, one line each: "FILE:LINE: path: what"; too much in one
/// file (client/yaml_bounds.h), or more jobs than a server takes at a time.
Result<std::vector<v1::Job>> ParseJobFile(const std::string& text, const std::string& file_name);

}  // namespace distill::client
