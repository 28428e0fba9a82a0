#pragma once

#include <cstddef>
#include <vector>

#include "core/train/batch_mix.h"

namespace distill::core {

/// A part of a batch.
struct BatchShard {
  MixedBatch batch;  // views of the whole
  double share = 1;  // of its images
};

/// Cuts a batch into at most `max_shards` parts in the order of its images, as equal as can be, the
/// larger ones first: into fewer where parts would hold one image, which has no batch statistics.
std::vector<BatchShard> SplitBatch(const MixedBatch& batch, size_t max_shards);

/// Returns the shard on `device`. May throw c10::Error.
BatchShard MovedTo(const BatchShard& shard, const at::Device& device);

}  // namespace distill::core
