#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/loss/task_loss.h"

namespace distill::core {

enum class BatchMixKind { kNone, kMixup, kCutmix };

struct BatchMixOptions {
  BatchMixKind kind = BatchMixKind::kNone;
  double probability = 0.5;  // per batch
  double alpha = 1.0;        // above 0: lambda ~ Beta(alpha, alpha)
};

/// Which batch of a run.
struct BatchPlace {
  uint64_t seed = 0;  // of the run
  int64_t epoch = 0;
  int64_t step = 0;  // within the epoch
};

struct MixedBatch {
  at::Tensor images;
  BatchLabels labels;
  BatchPlace place;
  /// [batch], int64, on the CPU: positions in the training split. May be undefined.
  at::Tensor indices{};
};

/// Mixes each image of a batch with another of the same batch, by a share lambda drawn for the
/// batch, or leaves the batch as it is:
/// - kMixup: lambda * image + (1 - lambda) * other (Zhang et al. 2018, "mixup", eq. 1);
/// - kCutmix: a box with sides sqrt(1 - lambda) of the image's, its centre uniform, cut off at the
///   edges, is taken from the other image (Yun et al. 2019, "CutMix", eq. 2); lambda is then the
///   true share of the area that stays.
/// `images`: [N, C, H, W], uint8 or floating, any layout, which the result keeps; not changed.
/// `labels`: [N], int64, same device. Mixup of uint8 images gives float32 on the same scale of 0 to
/// 255, as blends are not rounded. A pure function of (inputs, options, place). Does not wait for
/// the device.
MixedBatch MixBatch(const at::Tensor& images, const at::Tensor& labels,
                    const BatchMixOptions& options, const BatchPlace& place);

}  // namespace distill::core
