#include "core/device/amp.h"

#include <ATen/autocast_mode.h>

#include "core/device/device.h"
#include "core/device/torch_version.h"

namespace distill::core {
namespace {

#if DISTILL_TORCH_AT_LEAST(2, 4)

bool IsEnabled(at::DeviceType type) { return at::autocast::is_autocast_enabled(type); }
void SetEnabled(at::DeviceType type, bool enabled) {
  at::autocast::set_autocast_enabled(type, enabled);
}
at::ScalarType Dtype(at::DeviceType type) { return at::autocast::get_autocast_dtype(type); }
void SetDtype(at::DeviceType type, at::ScalarType dtype) {
  at::autocast::set_autocast_dtype(type, dtype);
}

#else

bool IsEnabled(at::DeviceType type) {
  return type == at::kCPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
}
void SetEnabled(at::DeviceType type, bool enabled) {
  if (type == at::kCPU) {
    at::autocast::set_cpu_enabled(enabled);
  } else {
    at::autocast::set_enabled(enabled);
  }
}
at::ScalarType Dtype(at::DeviceType type) {
  return type == at::kCPU ? at::autocast::get_autocast_cpu_dtype()
                          : at::autocast::get_autocast_gpu_dtype();
}
void SetDtype(at::DeviceType type, at::ScalarType dtype) {
  if (type == at::kCPU) {
    at::autocast::set_autocast_cpu_dtype(dtype);
  } else {
    at::autocast::set_autocast_gpu_dtype(dtype);
  }
}

#endif

AmpPlan OnCpu(AmpMode mode) {
  AmpPlan plan{mode, {}, {}};
  plan.is_slow = mode == AmpMode::kFloat16 || !HasFastBfloat16(at::kCPU);
  if (plan.is_slow) {
    const std::string type = mode == AmpMode::kFloat16 ? "float16" : "bfloat16";
    plan.notice = "this CPU has no fast instructions for " + type +
                  ": mixed precision computes as on a GPU, but slower than float32";
  }
  return plan;
}

}  // namespace

Result<AmpPlan> ChooseAmp(const at::Device& device, AmpRequest request) {
  if (request == AmpRequest::kNone) return AmpPlan();
  const bool wants_float16 = request == AmpRequest::kFloat16;
  if (device.is_cpu()) {
#if !DISTILL_TORCH_AT_LEAST(2, 11)
    if (wants_float16) {
      return Status(Code::kInvalidArgument,
                    "LibTorch " + LibTorchVersion() +
                        " cannot train in float16 on a CPU, 2.11 can: take --amp-type bfloat16");
    }
#endif
    return OnCpu(wants_float16 ? AmpMode::kFloat16 : AmpMode::kBfloat16);
  }
  if (wants_float16) return AmpPlan{AmpMode::kFloat16, {}, false};
  if (HasFastBfloat16(device)) return AmpPlan{AmpMode::kBfloat16, {}, false};
  if (request == AmpRequest::kBfloat16) {
    return Status(Code::kInvalidArgument,
                  "this GPU has no bfloat16 (compute capability 8.0 has): take --amp-type float16");
  }
  return AmpPlan{AmpMode::kFloat16,
                 "this GPU has no bfloat16: training in float16 with loss scaling", false};
}

at::ScalarType ComputeType(const at::Tensor& x) {
  const at::DeviceType device = x.device().type();
  return IsEnabled(device) && x.scalar_type() != at::kDouble ? Dtype(device) : x.scalar_type();
}

AutocastSuspension::AutocastSuspension(const at::Device& device)
    : device_type_(device.type()), was_enabled_(IsEnabled(device_type_)) {
  SetEnabled(device_type_, false);
}

AutocastSuspension::~AutocastSuspension() { SetEnabled(device_type_, was_enabled_); }

AutocastScope::AutocastScope(const at::Device& device, AmpMode mode)
    : device_type_(device.type()), is_active_(mode != AmpMode::kOff) {
  if (!is_active_) return;
  was_enabled_ = IsEnabled(device_type_);
  previous_dtype_ = Dtype(device_type_);
  SetDtype(device_type_, mode == AmpMode::kBfloat16 ? at::kBFloat16 : at::kHalf);
  SetEnabled(device_type_, true);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!is_active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  SetEnabled(device_type_, was_enabled_);
  SetDtype(device_type_, previous_dtype_);
}

}  // namespace distill::core
