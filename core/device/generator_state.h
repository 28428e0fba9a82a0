#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "core/base/status.h"

namespace distill::core {

/// Returns the state of the default random generator of `device`: uint8, on the CPU. A copy.
/// May throw c10::Error (no such GPU).
at::Tensor GeneratorState(const at::Device& device);

/// Puts the default generator of `device` into `state`, from GeneratorState of a device of the same
/// kind. kDataLoss: not such a state; the generator is unchanged.
Status SetGeneratorState(const at::Device& device, const at::Tensor& state);

/// The same of one generator, which is of the kind that `state` came from.
at::Tensor GeneratorState(at::Generator generator);
Status SetGeneratorState(at::Generator generator, const at::Tensor& state);

}  // namespace distill::core
