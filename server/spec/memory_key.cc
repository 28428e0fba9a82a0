#include "server/spec/memory_key.h"

#include "core/base/architecture.h"
#include "core/base/sha256.h"
#include "server/spec/message_bytes.h"

namespace distill::server {
namespace {

// What of a teacher its memory depends on: of a TorchScript program, which one it is.
void AddShapeOf(const v1::Teacher& teacher, v1::Teacher& shape) {
  shape.set_model(teacher.model());
  if (teacher.has_image_size()) shape.set_image_size(teacher.image_size());
  if (teacher.model() == kTorchScript) shape.set_file(teacher.file());
}

std::string ShapeOf(const v1::TrainJob& train) {
  v1::TrainJob shape;
  shape.set_model(train.model());
  shape.set_batch_size(train.batch_size());
  shape.set_amp(train.amp());
  shape.mutable_input()->set_image_size(train.input().image_size());
  shape.mutable_optimizer()->set_kind(train.optimizer().kind());
  shape.set_validate_with_tta(train.validate_with_tta());
  if (train.has_ema()) shape.mutable_ema();
  if (train.has_rdrop()) shape.mutable_rdrop();
  for (const v1::Teacher& teacher : train.distillation().teachers()) {
    AddShapeOf(teacher, *shape.mutable_distillation()->add_teachers());
  }
  for (const v1::DistillationTerm& term : train.distillation().terms()) {
    v1::DistillationTerm& added = *shape.mutable_distillation()->add_terms();
    added.set_method(term.method());
    *added.mutable_blocks() = term.blocks();
  }
  return "train " + StableBytes(shape);
}

std::string ShapeOf(const v1::EvalJob& eval) {
  v1::EvalJob shape;
  shape.set_model(eval.model());
  shape.set_batch_size(eval.batch_size());
  shape.set_amp(eval.amp());
  shape.mutable_input()->set_image_size(eval.input().image_size());
  for (const v1::Teacher& teacher : eval.teachers()) {
    AddShapeOf(teacher, *shape.add_teachers());
  }
  for (const v1::EvalPass& pass : eval.passes()) {
    if (!pass.tta()) continue;
    shape.add_passes()->set_tta(true);
    break;
  }
  return "eval " + StableBytes(shape);
}

}  // namespace

std::string MemoryKey(const v1::Job& resolved) {
  std::string shape = resolved.has_train() ? ShapeOf(resolved.train()) : ShapeOf(resolved.eval());
  // Each device has a share of the batch only.
  const int num_devices = resolved.resources().devices();
  if (num_devices > 1) shape += " on " + std::to_string(num_devices);
  return Sha256Hex(shape);
}

}  // namespace distill::server
