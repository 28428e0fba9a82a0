#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "core/base/status.h"

namespace distill::core {

/// In which precision a run computes its forward passes.
enum class AmpMode {
  kOff,       ///< float32
  kBfloat16,  ///< autocast to bfloat16, no loss scaling needed
  kFloat16,   ///< autocast to float16: losses must be scaled (core/train/gradient_scaler.h)
};

/// A decision about mixed precision, and a sentence for the run's log when it is not what was asked
/// for (else empty).
struct AmpPlan {
  AmpMode mode = AmpMode::kOff;
  std::string notice;
  bool is_slow = false;  // slower than float32
};

/// What a run asks for: nothing, any mixed precision, or one of a kind.
enum class AmpRequest { kNone, kAuto, kBfloat16, kFloat16 };

/// Decides how a run computes on `device`. kAuto: bfloat16 on a CPU and on a GPU of compute
/// capability 8.0 or newer, float16 on older GPUs. Weights, optimiser and losses stay in float32.
/// On a CPU that is slower than float32 the notice says so. kInvalidArgument: the device, or this
/// LibTorch on a CPU, cannot compute in what is asked for. May throw c10::Error (no such GPU).
Result<AmpPlan> ChooseAmp(const at::Device& device, AmpRequest request);

/// Returns the type in which the calling thread computes a convolution of `x`: autocast's where it
/// is on (it leaves float64 alone), else that of `x`.
at::ScalarType ComputeType(const at::Tensor& x);

/// Switches autocast off for the calling thread while it lives, and restores what was before. For
/// code that asks whether autocast is on, as TorchScript does.
class AutocastSuspension {
 public:
  explicit AutocastSuspension(const at::Device& device);
  ~AutocastSuspension();
  AutocastSuspension(const AutocastSuspension&) = delete;
  AutocastSuspension& operator=(const AutocastSuspension&) = delete;

 private:
  at::DeviceType device_type_;
  bool was_enabled_;
};

/// Switches autocast on for the calling thread while it lives, and restores what was before; does
/// nothing with kOff. The weights cast within the outermost scope are kept until it ends, so open
/// one scope for each step's forward pass, after the optimiser has changed the weights.
/// Owned by one thread; scopes nest.
class AutocastScope {
 public:
  AutocastScope(const at::Device& device, AmpMode mode);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  at::DeviceType device_type_;
  bool is_active_;
  bool was_enabled_ = false;
  at::ScalarType previous_dtype_ = at::kFloat;
};

}  // namespace distill::core
