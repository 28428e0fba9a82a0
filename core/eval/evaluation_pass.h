#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/batch_source.h"
#include "core/device/amp.h"
#include "core/device/image_normalizer.h"
#include "core/eval/metrics.h"
#include "core/eval/run_listener.h"
#include "core/model/model.h"

namespace distill::core {

/// A batch that was evaluated, on the device.
struct EvaluatedBatch {
  const at::Tensor& images;             // [batch * crops, 3, H, W], normalised
  int64_t crops;                        // of each image: 1 or 10
  const at::Tensor& logits;             // [batch, classes], float32: the mean over the crops
  const at::Tensor& labels;             // [batch], int64
  const std::vector<int64_t>& indices;  // positions in the split's entries
};

/// How to go over a split.
struct PassOptions {
  at::Device device = at::kCPU;
  const ImageNormalizer* normalizer = nullptr;  // onto `device`; must outlive the pass
  AmpMode amp = AmpMode::kOff;
  int64_t num_classes = 0;
  /// Batches hold ten crops of each image, whose logits are averaged.
  bool ten_crop = false;
  std::string phase;  // "val", "test": for reports
  int epoch = 0;      // epochs done: for reports
  /// Looks at each batch, when set. May throw c10::Error.
  std::function<void(const EvaluatedBatch&)> look;
  /// Returns the batch's TaskLossSums() from logits and labels.
  std::function<at::Tensor(const at::Tensor&, const at::Tensor&)> loss;
};

struct PassResult {
  EvalMetrics metrics;
  double images_per_second = 0;
};

/// Runs `model`, which it switches to evaluation, over one epoch of `source`, without gradients.
/// Reports about once a second. kCancelled: `listener` asked to stop. kDataLoss: a bad image.
/// May throw c10::Error.
Result<PassResult> RunPass(Model& model, BatchSource& source, const PassOptions& options,
                           RunListener& listener);

}  // namespace distill::core
