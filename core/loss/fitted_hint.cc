#include "core/loss/fitted_hint.h"

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>

#include "core/loss/full_precision.h"
#include "core/model/initialization.h"

namespace distill::core {
namespace {

bool IsTimes(int64_t factor, const BlockShape& large, const BlockShape& small) {
  return large.height == factor * small.height && large.width == factor * small.width;
}

// Kernel, stride and padding of a convolution.
struct Fit {
  std::vector<int64_t> kernel;
  int64_t stride = 1;
  int64_t padding = 0;
  bool is_transposed = false;
};

Fit FitOf(const BlockShape& student, const BlockShape& teacher) {
  if (IsTimes(2, student, teacher)) return {{3, 3}, 2, 1, false};
  if (IsTimes(2, teacher, student)) return {{4, 4}, 2, 1, true};
  return {{1 + student.height - teacher.height, 1 + student.width - teacher.width}, 1, 0, false};
}

std::vector<int64_t> WeightSizes(const BlockShape& student, const BlockShape& teacher) {
  const Fit fit = FitOf(student, teacher);
  std::vector<int64_t> sizes = {teacher.channels, student.channels};
  if (fit.is_transposed) std::swap(sizes[0], sizes[1]);
  sizes.insert(sizes.end(), fit.kernel.begin(), fit.kernel.end());
  return sizes;
}

}  // namespace

bool SizeFitter::Fits(const BlockShape& student, const BlockShape& teacher) {
  const bool is_no_smaller = student.height >= teacher.height && student.width >= teacher.width;
  return is_no_smaller || IsTimes(2, teacher, student);
}

SizeFitter::SizeFitter(const BlockShape& student, const BlockShape& teacher)
    : weight_(AddTensor("weight", at::empty(WeightSizes(student, teacher)), TensorKind::kWeight)),
      bias_(AddTensor("bias", at::zeros({teacher.channels}), TensorKind::kBias)),
      norm_(AddChild("bn", std::make_unique<BatchNorm2d>(teacher.channels))) {
  const Fit fit = FitOf(student, teacher);
  is_transposed_ = fit.is_transposed;
  stride_ = fit.stride;
  padding_ = fit.padding;
  FillUniformFanIn(*this);
}

at::Tensor SizeFitter::Forward(const at::Tensor& x) {
  const at::Tensor y = is_transposed_ ? at::conv_transpose2d(x, weight_, bias_, stride_, padding_)
                                      : at::conv2d(x, weight_, bias_, stride_, padding_);
  return Activate(norm_.Forward(y), Activation::kRelu);
}

FittedHint::FittedHint(std::vector<int> blocks, const OutputShape& student,
                       const OutputShape& teacher)
    : blocks_(std::move(blocks)) {
  for (const int block : blocks_) {
    const auto index = static_cast<size_t>(block - 1);
    fitters_.push_back(&AddChild(
        "block" + std::to_string(block),
        std::make_unique<SizeFitter>(student.blocks.at(index), teacher.blocks.at(index))));
  }
}

std::string_view FittedHint::name() const {
  return DistillationMethodName(DistillationMethod::kFitNet);
}

at::Tensor FittedHint::ComputeDetached(const DistillationInputs& inputs) {
  at::Tensor total;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto index = static_cast<size_t>(blocks_[i] - 1);
    const at::Tensor fitted = fitters_[i]->Forward(LiftHalf(inputs.student.blocks.at(index)));
    const at::Tensor loss = at::mse_loss(fitted, LiftHalf(inputs.teacher.blocks.at(index)));
    total = total.defined() ? total + loss : loss;
  }
  return total;
}

}  // namespace distill::core
