#include "core/train/batch_shards.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace distill::core {

std::vector<BatchShard> SplitBatch(const MixedBatch& batch, size_t max_shards) {
  constexpr int64_t kMinImages = 2;
  const int64_t num_images = batch.images.size(0);
  const int64_t num_shards =
      std::clamp(num_images / kMinImages, int64_t{1}, static_cast<int64_t>(max_shards));
  std::vector<BatchShard> shards;
  int64_t begin = 0;
  for (int64_t i = 0; i < num_shards; ++i) {
    const int64_t length = num_images / num_shards + (i < num_images % num_shards ? 1 : 0);
    BatchShard& shard = shards.emplace_back();
    shard.batch = batch;
    shard.batch.images = batch.images.narrow(0, begin, length);
    BatchLabels& labels = shard.batch.labels;
    labels.labels = labels.labels.narrow(0, begin, length);
    if (labels.is_mixed()) labels.mixed_labels = labels.mixed_labels.narrow(0, begin, length);
    if (batch.indices.defined()) shard.batch.indices = batch.indices.narrow(0, begin, length);
    shard.share = static_cast<double>(length) / static_cast<double>(num_images);
    begin += length;
  }
  return shards;
}

BatchShard MovedTo(const BatchShard& shard, const at::Device& device) {
  BatchShard moved = shard;
  moved.batch.images = shard.batch.images.to(device);
  BatchLabels& labels = moved.batch.labels;
  for (at::Tensor* tensor :
       {&labels.labels, &labels.mixed_labels, &labels.mean_weight, &labels.mixed_mean_weight}) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  return moved;
}

}  // namespace distill::core
