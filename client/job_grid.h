#pragma once

#include <string>
#include <vector>

#include "client/train_request.h"
#include "core/base/status.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// One dimension of a grid: a field, and the values that it takes.
struct GridAxis {
  std::string name;  // as the user calls it, e.g. "lr"
  std::string path;  // of the field, from Job on
  std::vector<std::string> values;
  std::string flag{};  // for messages: "--seeds", "--grid lr"
};

/// Reads "KEY=VALUE,VALUE..."; `path` is left empty. kInvalidArgument: another form, or a value
/// that comes twice.
Result<GridAxis> ParseGridAxis(const std::string& text);

/// Returns ok unless two of the axes, or an axis and one of the other flags, set the same field.
/// kInvalidArgument: they do; the message names both.
Status CheckAxes(const std::vector<GridAxis>& axes, const std::vector<FlagSetting>& settings);

/// Returns a job for each combination of the axes' values, the last axis changing fastest. Their
/// names are `stem` with the values behind it ("sweep-lr1e-3-seed0"), their group is that of `base`
/// or else `stem`; each carries its values as labels. kInvalidArgument: a value does not fit, a
/// name grows too long, or there are more than 1,000 combinations; the message says which.
Result<std::vector<v1::Job>> ExpandGrid(const v1::Job& base, const std::string& stem,
                                        const std::vector<GridAxis>& axes);

}  // namespace distill::client
