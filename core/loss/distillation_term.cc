#include "core/loss/distillation_term.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/loss/full_precision.h"

namespace distill::core {
namespace {

ModelOutput Detached(const ModelOutput& output) {
  ModelOutput detached;
  if (output.logits.defined()) detached.logits = output.logits.detach();
  if (output.embedding.defined()) detached.embedding = output.embedding.detach();
  for (size_t i = 0; i < output.blocks.size(); ++i) {
    if (output.blocks[i].defined()) detached.blocks[i] = output.blocks[i].detach();
  }
  return detached;
}

}  // namespace

std::string_view DistillationMethodName(DistillationMethod method) {
  switch (method) {
    case DistillationMethod::kSoftTarget:
      return "soft_target";
    case DistillationMethod::kMgd:
      return "mgd";
    case DistillationMethod::kSp:
      return "sp";
    case DistillationMethod::kAt:
      return "at";
    case DistillationMethod::kDkd:
      return "dkd";
    case DistillationMethod::kDist:
      return "dist";
    case DistillationMethod::kFitNet:
      return "fitnet";
    case DistillationMethod::kRkd:
      return "rkd";
    case DistillationMethod::kPkt:
      return "pkt";
    case DistillationMethod::kCrd:
      return "crd";
  }
  return "unknown";
}

OutputShape OutputShapeOf(const ModelOutput& output) {
  OutputShape shape;
  if (output.logits.defined()) shape.num_classes = output.logits.size(1);
  if (output.embedding.defined()) shape.embedding = output.embedding.size(1);
  for (size_t i = 0; i < output.blocks.size(); ++i) {
    const at::Tensor& block = output.blocks[i];
    if (block.defined()) shape.blocks[i] = {block.size(1), block.size(2), block.size(3)};
  }
  return shape;
}

at::Tensor DistillationTerm::Compute(const DistillationInputs& inputs) {
  const AutocastOff autocast_off;
  return ComputeDetached(
      {inputs.student, Detached(inputs.teacher), inputs.labels, inputs.indices, inputs.draw});
}

}  // namespace distill::core
