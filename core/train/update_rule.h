#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace distill::core {

enum class OptimizerKind { kAdamW, kSgd, kRmsProp };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double weight_decay = 5e-4;  // of TensorKind::kWeight alone, unless decay_all
  double momentum = 0.9;       // beta1 of AdamW, in [0, 1)
  double beta2 = 0.999;        // kAdamW, in [0, 1)
  double rms_alpha = 0.99;     // kRmsProp, in [0, 1)
  double epsilon = 1e-8;       // kAdamW, kRmsProp
  bool nesterov = true;        // kSgd
  bool decay_all = false;      // weight decay on every parameter
};

/// A stretch of parameters with one weight decay and what is kept beside it: all [n], contiguous,
/// one device and dtype (float32 or float64).
struct UpdateTensors {
  at::Tensor values;
  at::Tensor gradients;
  /// AdamW: first moment. SGD, RMSprop: momentum.
  at::Tensor first_state;
  /// AdamW: second moment. RMSprop: mean square. SGD: undefined.
  at::Tensor second_state;
  double weight_decay = 0.0;
};

/// Where in a run a step is.
struct UpdateStep {
  double learning_rate = 0.0;
  int64_t number = 1;  // of this step, from 1
};

/// Both change `tensors` by one step of the optimiser, with the semantics of torch.optim:
/// - AdamW (Loshchilov and Hutter 2019, algorithm 2): decay is lr * weight_decay * value, apart
///   from the moments;
/// - SGD with Nesterov momentum, no dampening, decay added to the gradient;
/// - RMSprop, not centred, with momentum, decay added to the gradient.
/// UpdateInOnePass reads and writes each array once, in LibTorch's threads. REQUIRES: on the CPU.
void UpdateInOnePass(const UpdateTensors& tensors, const OptimizerOptions& options,
                     const UpdateStep& step);

/// The same by a handful of tensor operations, for any device. Does not wait for the device.
void UpdateByTensorOperations(const UpdateTensors& tensors, const OptimizerOptions& options,
                              const UpdateStep& step);

}  // namespace distill::core
