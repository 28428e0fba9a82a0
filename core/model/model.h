#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/model/module.h"

namespace distill::core {

/// What a network makes of a batch. All of one forward, so one student forward per step is enough.
struct ModelOutput {
  /// [batch, classes].
  at::Tensor logits;
  /// The pre-classifier vector (after global pooling, before dropout): [batch, embedding].
  at::Tensor embedding;
  /// Block 1 to 4 at index 0 to 3: [batch, C, H, W]. In networks for large pictures, the output of
  /// the last layer at strides 4, 8, 16 and 32 (ResNets: layer1 to layer4). In those for 32x32
  /// pictures, the outputs of the stages that their published code distils from; of three stages
  /// there is no block 4, which stays undefined. See Architecture::block_strides, and the header of
  /// each network. Undefined unless asked for.
  std::array<at::Tensor, 4> blocks;
};

class OnnxTracer;

/// An image classifier. Owned by one thread.
class Model : public Module {
 public:
  /// `images`: [batch, 3, height, width], floating, normalised, any memory format.
  /// `want_blocks`: also keep the block outputs.
  /// May throw c10::Error.
  virtual ModelOutput Forward(const at::Tensor& images, bool want_blocks) = 0;

  /// Writes the way from the value named `images` to the logits, in evaluation mode, into an ONNX
  /// graph (onnx_tracer.h) and returns the logits' name. A model that has none of its own has no
  /// ONNX form: the tracer fails.
  virtual std::string Trace(OnnxTracer& tracer, const std::string& images) const;

  /// The names, in State(), of the classifier's weight and bias: what is replaced when the class
  /// count differs.
  virtual std::pair<std::string, std::string> classifier_names() const = 0;
};

/// Makes the architecture `name` (see core/base/architecture.h) for `num_classes` classes, with
/// fresh weights drawn from LibTorch's default CPU generator (seed it first), in training mode, on
/// the CPU. kNotFound: no such architecture; the message lists those that exist.
/// kInvalidArgument: num_classes < 1.
Result<std::unique_ptr<Model>> CreateModel(std::string_view name, int64_t num_classes);

}  // namespace distill::core
