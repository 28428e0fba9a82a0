#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/model/model.h"

namespace distill::core {

/// A part of a loss, weighted as it enters the total: a scalar with a graph to the student.
struct LossPart {
  at::Tensor value;
  at::Tensor seen;  // the student's output that it is taken at; see MeasureGradientShares()
};

/// Returns for each part but the first the share of the gradient that is its own: with g_p the
/// gradient of part p at the output `seen` of the part in question (of all parts at that output),
/// ||g_part|| / sum over all parts of ||g_p||, in [0, 1]; 0 where nothing flows. The first part is
/// the task loss. Result: [parts - 1], float32, on the parts' device. Leaves parameters' gradients
/// as they are, and keeps the graph. `scale`: what values are multiplied by before, so that
/// gradients in float16 do not vanish; shares do not depend on it. Goes back once for each part, to
/// the deepest output that one is taken at. May throw c10::Error.
at::Tensor MeasureGradientShares(const std::vector<LossPart>& parts, double scale);

}  // namespace distill::core
