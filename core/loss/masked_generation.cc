#include "core/loss/masked_generation.h"

#include <ATen/ATen.h>

#include "core/device/random_stream.h"
#include "core/loss/full_precision.h"
#include "core/model/initialization.h"

namespace distill::core {

namespace {

class Relu final : public Layer {
 public:
  at::Tensor Forward(const at::Tensor& x) override { return at::relu(x); }
};

std::unique_ptr<Conv2d> Convolution(int64_t in_channels, int64_t out_channels, int64_t kernel) {
  ConvOptions options;
  options.in_channels = in_channels;
  options.out_channels = out_channels;
  options.kernel = kernel;
  options.has_bias = true;
  return std::make_unique<Conv2d>(options);
}

}  // namespace

FeatureGenerator::FeatureGenerator(int64_t student_channels, int64_t teacher_channels) {
  if (student_channels != teacher_channels) {
    align_ = &AddChild("align", Convolution(student_channels, teacher_channels, /*kernel=*/1));
  }
  generation_ = &AddChild("generation", std::make_unique<Sequential>());
  generation_->Append(Convolution(teacher_channels, teacher_channels, /*kernel=*/3));
  generation_->Append(std::make_unique<Relu>());
  generation_->Append(Convolution(teacher_channels, teacher_channels, /*kernel=*/3));
  FillUniformFanIn(*this);
}

at::Tensor FeatureGenerator::Forward(const at::Tensor& student, const at::Tensor& mask) {
  const at::Tensor aligned = align_ != nullptr ? align_->Forward(student) : student;
  return generation_->Forward(aligned * mask);
}

MaskedGeneration::MaskedGeneration(const Options& options)
    : blocks_(options.blocks), mask_ratio_(options.mask_ratio), alpha_(options.alpha) {
  for (const int block : blocks_) {
    const auto index = static_cast<size_t>(block - 1);
    generators_.push_back(
        &AddChild("block" + std::to_string(block),
                  std::make_unique<FeatureGenerator>(options.student.blocks.at(index).channels,
                                                     options.teacher.blocks.at(index).channels)));
  }
}

std::string_view MaskedGeneration::name() const {
  return DistillationMethodName(DistillationMethod::kMgd);
}

at::Tensor MaskedGeneration::BlockLoss(size_t position, const DistillationInputs& inputs,
                                       const at::Tensor& mask) {
  const auto index = static_cast<size_t>(blocks_.at(position) - 1);
  const at::Tensor teacher = LiftHalf(inputs.teacher.blocks.at(index)).detach();
  const at::Tensor generated =
      generators_.at(position)->Forward(LiftHalf(inputs.student.blocks.at(index)), mask);
  const auto num_images = static_cast<double>(teacher.size(0));
  return at::mse_loss(generated, teacher, at::Reduction::Sum) * (1.0 / num_images);
}

at::Tensor MaskedGeneration::ComputeDetached(const DistillationInputs& inputs) {
  at::Tensor total;
  for (size_t position = 0; position < blocks_.size(); ++position) {
    const auto index = static_cast<size_t>(blocks_[position] - 1);
    const at::Tensor mask = DrawMask(inputs.teacher.blocks.at(index));
    const at::Tensor loss = BlockLoss(position, inputs, mask);
    total = total.defined() ? total + loss : loss;
  }
  return total * alpha_;
}

at::Tensor MaskedGeneration::DrawMask(const at::Tensor& teacher) const {
  const at::Tensor mask = at::ones({teacher.size(0), teacher.size(1), 1, 1},
                                   teacher.options().dtype(LiftedType(teacher.scalar_type())));
  return is_training() ? mask.bernoulli_(1.0 - mask_ratio_, StreamGenerator()) : mask;
}

}  // namespace distill::core
