#include "core/loss/feature_hint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "core/loss/features.h"
#include "core/loss/full_precision.h"
#include "core/model/initialization.h"

namespace distill::core {

FeatureHint::FeatureHint(std::vector<int> blocks, const OutputShape& student,
                         const OutputShape& teacher)
    : blocks_(std::move(blocks)) {
  for (const int block : blocks_) {
    const auto index = static_cast<size_t>(block - 1);
    ConvOptions options;
    options.in_channels = student.blocks.at(index).channels;
    options.out_channels = teacher.blocks.at(index).channels;
    options.kernel = 1;
    options.has_bias = true;
    regressors_.push_back(
        &AddChild("block" + std::to_string(block), std::make_unique<Conv2d>(options)));
  }
  FillUniformFanIn(*this);
}

std::string_view FeatureHint::name() const {
  return DistillationMethodName(DistillationMethod::kFitNet);
}

at::Tensor FeatureHint::ComputeDetached(const DistillationInputs& inputs) {
  at::Tensor total;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto index = static_cast<size_t>(blocks_[i] - 1);
    const FeaturePair pair = PooledToSmaller(LiftHalf(inputs.student.blocks.at(index)),
                                             LiftHalf(inputs.teacher.blocks.at(index)));
    const at::Tensor loss = at::mse_loss(regressors_[i]->Forward(pair.student), pair.teacher);
    total = total.defined() ? total + loss : loss;
  }
  return total;
}

}  // namespace distill::core
