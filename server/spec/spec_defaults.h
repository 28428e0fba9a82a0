#pragma once

#include <string_view>

#include "distill/v1/eval.pb.h"
#include "distill/v1/train.pb.h"

namespace distill::server {

/// Sets every field that has a default and was not given, as the comments of train.proto say.
/// Fills no names in; leaves what was given alone, however wrong.
void FillDefaults(v1::TrainJob& job);

/// As above, by the comments of eval.proto. Data set and input, whose defaults come from the
/// evaluated job, stay as they are.
void FillDefaults(v1::EvalJob& job);

/// Sets image size (that of the architecture `model`) and normalisation where they are missing.
void FillDefaults(std::string_view model, v1::Input& input);

/// Returns the weight of a term that has none of its own. For the reference system's methods from
/// its `kd_ratio` r: r / (1 - r) below 1, else r; for AT always r. (So 0.7 gives 2.33, 0.99 gives
/// 99, but 1 gives 1.) For the others the published one, as train.proto says.
double DefaultWeight(const v1::DistillationTerm& term, double kd_ratio);

}  // namespace distill::server
