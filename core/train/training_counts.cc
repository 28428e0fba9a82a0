#include "core/train/training_counts.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>

namespace distill::core {
namespace {

at::Tensor Find(const NamedTensors& state, const std::string& name) {
  for (const NamedTensor& named : state) {
    if (named.name == name) return named.tensor;
  }
  return {};
}

}  // namespace

TrainingCounts::TrainingCounts(int64_t num_classes, const at::Device& device)
    : num_classes_(num_classes) {
  const at::TensorOptions counts = at::TensorOptions().dtype(at::kLong).device(device);
  images_ = at::zeros({num_classes}, counts);
  correct_ = at::zeros({num_classes}, counts);
}

void TrainingCounts::Add(const at::Tensor& logits, const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  images_.scatter_add_(0, labels, at::ones_like(labels));
  correct_.scatter_add_(0, labels, logits.argmax(1).eq(labels).to(at::kLong));
}

TrainingCounts::Shares TrainingCounts::Read() const {
  const at::Tensor images = images_.cpu();
  const at::Tensor correct = correct_.cpu();
  const int64_t* const of_class = images.data_ptr<int64_t>();
  const int64_t* const right = correct.data_ptr<int64_t>();
  int64_t num_images = 0;
  int64_t num_correct = 0;
  int64_t num_with_images = 0;
  double recall = 0;
  for (int64_t i = 0; i < num_classes_; ++i) {
    if (of_class[i] == 0) continue;
    num_images += of_class[i];
    num_correct += right[i];
    ++num_with_images;
    recall += static_cast<double>(right[i]) / static_cast<double>(of_class[i]);
  }
  if (num_images == 0) return {};
  return {static_cast<double>(num_correct) / static_cast<double>(num_images),
          recall / static_cast<double>(num_with_images)};
}

void TrainingCounts::Reset() {
  images_.zero_();
  correct_.zero_();
}

NamedTensors TrainingCounts::State() const { return {{"images", images_}, {"correct", correct_}}; }

Status TrainingCounts::Restore(const NamedTensors& state) {
  const at::NoGradGuard no_grad;
  at::Tensor images = Find(state, "images");
  at::Tensor correct = Find(state, "correct");
  const at::Tensor confusion = Find(state, "confusion");
  if (confusion.defined() && confusion.numel() == num_classes_ * num_classes_) {
    const at::Tensor rows = confusion.view({num_classes_, num_classes_});
    images = rows.sum(1);
    correct = rows.diagonal();
  }
  const bool fits = images.defined() && correct.defined() && images.numel() == num_classes_ &&
                    correct.numel() == num_classes_;
  if (!fits) {
    return {Code::kFailedPrecondition, "checkpoint is of another job: epoch_counts are not of " +
                                           std::to_string(num_classes_) + " classes"};
  }
  images_.copy_(images);
  correct_.copy_(correct);
  return Status::Ok();
}

}  // namespace distill::core
