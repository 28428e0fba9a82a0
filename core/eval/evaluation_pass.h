#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/status.h"
#include "core/data/batch_source.h"
#include "core/device/amp.h"
#include "core/device/image_normalizer.h"
#include "core/eval/metrics.h"
#include "core/eval/run_listener.h"
#include "core/eval/wrong_predictions.h"
#include "core/model/model.h"

namespace distill::core {

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
  /// Keeps what was wrong, when set; must outlive the pass. Each batch then waits for the device.
  WrongPredictions* wrong = nullptr;
  /// Returns the batch's mean loss from logits and labels.
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
