#include "core/loss/ensemble.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/loss/full_precision.h"

namespace distill::core {

at::Tensor EnsembleLogits(const std::vector<at::Tensor>& logits, const std::vector<double>& weights,
                          EnsembleMode mode, double temperature) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < logits.size(); ++i) {
    const at::Tensor lifted = LiftHalf(logits[i]);
    parts.push_back(mode == EnsembleMode::kMeanLogit
                        ? lifted * weights[i]
                        : (lifted / temperature).log_softmax(1) + std::log(weights[i]));
  }
  const at::Tensor all = at::stack(parts);
  return mode == EnsembleMode::kMeanLogit ? all.sum(0) : all.logsumexp(0) * temperature;
}

}  // namespace distill::core
