#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/eval/run_listener.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// A loss that was not finite.
struct NonFiniteLoss {
  std::string name;
  int64_t step = 0;  // as given to Add()
};

/// Means of a step's figures over an epoch, summed up on the device: adding does not wait for it,
/// reading does. Owned by one thread.
class EpochSums {
 public:
  /// `names`: of the figures that Add() gets.
  EpochSums(std::vector<std::string> names, const at::Device& device);

  /// `values`: [names], float32, on the device: means over a batch of `num_images`.
  /// `step`: counted from the start of the run.
  void Add(const at::Tensor& values, int64_t num_images, int64_t step);

  /// Returns the means over all images added, and nothing when there are none. Waits for the
  /// device.
  Metrics Means() const;

  /// Returns the first figure that was not finite: of the earliest step, the one named last (the
  /// total comes first, its parts after it). Waits for the device.
  std::optional<NonFiniteLoss> FirstNonFinite() const;

  void Reset();

  /// The sums for a checkpoint, and back. Restore: sums of other figures (of a checkpoint that an
  /// older version wrote) are not taken over; means are then of what is added from here on.
  NamedTensors State() const;
  int64_t num_images() const { return num_images_; }
  void Restore(const NamedTensors& state, int64_t num_images);

 private:
  const std::vector<std::string> names_;
  at::Tensor sums_;         // [names], float64
  at::Tensor first_steps_;  // [names], int64: the first step that was not finite, or kNever
  int64_t num_images_ = 0;
};

}  // namespace distill::core
