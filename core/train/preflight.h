#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/base/status.h"
#include "core/data/manifest.h"
#include "core/device/amp.h"
#include "core/device/image_normalizer.h"
#include "core/eval/run_listener.h"
#include "core/model/model.h"
#include "core/train/objective.h"
#include "core/train/optimizer.h"
#include "core/train/train_options.h"

namespace distill::core {

/// The parts of a run, as they are before its first step.
struct PreflightPlan {
  const TrainOptions& options;
  const Manifest& manifest;
  Model& student;
  const Objective& objective;
  const Optimizer& optimizer;
  const ImageNormalizer& normalizer;
  at::Device device;
  AmpMode amp = AmpMode::kOff;
};

/// What a run needs of its device's memory, in bytes; an estimate.
struct MemoryEstimate {
  int64_t fixed = 0;      // weights, gradients, what the optimiser keeps, the average, teachers
  int64_t per_image = 0;  // what a forward keeps for the way back
};

/// Measures the forward of two images, and adds up the rest. Changes nothing, draws nothing.
/// May throw c10::Error.
MemoryEstimate EstimateMemory(const PreflightPlan& plan);

/// Looks at a run for some seconds before its first step, and tells `listener` in notices: classes
/// and images; how normalised pixels lie; how many of some val images each teacher gets right;
/// what each distillation term compares, with the shapes; the memory that a step will need. Warns
/// of what is probably not meant: classes without training images, pixels far from 0, a
/// teacher no better than chance, weights whose batch norms are folded into convolutions. Draws
/// no random number and leaves the parts as they are.
/// kFailedPrecondition: the memory cannot suffice. kDataLoss: an image cannot be read.
/// May throw c10::Error.
Status RunPreflight(const PreflightPlan& plan, RunListener& listener);

}  // namespace distill::core
