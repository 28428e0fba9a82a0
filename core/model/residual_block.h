#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/convolution.h"
#include "core/model/layer.h"

namespace distill::core {

/// What leads around a residual block that changes the size of its input (He et al. 2016, section
/// 4.2). Around one that does not, it is the identity.
enum class Shortcut {
  kIdentity,    ///< option A: every second pixel, the new channels zero on both sides; no weights
  kProjection,  ///< option B: 1x1 convolution and batch norm
};

/// Of a residual block.
struct ResidualBlockOptions {
  int64_t in_channels = 0;
  int64_t width = 0;  // channels of its 3x3 convolutions
  int64_t out_channels = 0;
  int64_t stride = 1;
  bool is_bottleneck = false;  // 1x1, 3x3 (with the stride) and 1x1; else 3x3 (stride) and 3x3
  Shortcut shortcut = Shortcut::kProjection;
  const char* shortcut_name = "downsample";  // of the projection, in State()
};

/// A chain of convolutions with a shortcut around it: the basic block or the bottleneck. Names:
/// conv1, bn1, conv2, bn2, ..., and the projection's.
class ResidualBlock final : public Layer {
 public:
  explicit ResidualBlock(const ResidualBlockOptions& options);

  /// [batch, in_channels, H, W] -> [batch, out_channels, H / stride, W / stride], rounded up.
  at::Tensor Forward(const at::Tensor& x) override;
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override;
  void FuseForInference() override;

 private:
  void AddUnits(const ResidualBlockOptions& options);
  void AddUnit(const ConvOptions& options);
  at::Tensor Around(const at::Tensor& x);
  std::string TraceAround(OnnxTracer& tracer, const std::string& x) const;

  const int64_t stride_;
  const int64_t num_new_channels_;
  std::vector<ConvUnit> units_;               // the last adds the shortcut before its activation
  ConvNormActivation* projection_ = nullptr;  // null: the shortcut has no weights
};

}  // namespace distill::core
