#include "core/eval/even_batches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace distill::core {

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
