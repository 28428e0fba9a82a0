#pragma once

#include <string>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/eval/report.h"
#include "distill/v1/eval.pb.h"

namespace distill::core {

/// Returns a v1::WrongPredictions as proto3 JSON: the wrongly taken images of `report` with a small
/// picture of each. An image that can no longer be read inside `roots` has none; bytes of names
/// that are not UTF-8 become U+FFFD. Blocks on disk. kInternal: it cannot be put into JSON.
Result<std::string> WrongPicturesJson(const v1::EvalPass& pass, const EvalReport& report,
                                      const Roots& roots = {});

}  // namespace distill::core
