#include "core/eval/even_batches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace distill::core {

ModelOutput EvenBatches::Forward(Model& model, const at::Tensor& images, bool want_blocks) {
  const int64_t num_images = images.size(0);
  ModelOutput output = model.Forward(Fill(images), want_blocks);
  if (num_images == largest_) return output;
  const auto cut = [num_images](at::Tensor& rows) {
    if (rows.defined()) rows = rows.narrow(0, 0, num_images);
  };
  cut(output.logits);
  cut(output.embedding);
  for (at::Tensor& block : output.blocks) cut(block);
  return output;
}

at::Tensor EvenBatches::Fill(const at::Tensor& images) {
  const int64_t num_images = images.size(0);
  largest_ = std::max(largest_, num_images);
  if (num_images == largest_) return images;
  std::vector<int64_t> sizes = images.sizes().vec();
  sizes[0] = largest_;
  at::Tensor filled = at::zeros(sizes, images.options()).contiguous(images.suggest_memory_format());
  filled.narrow(0, 0, num_images).copy_(images);
  return filled;
}

}  // namespace distill::core
