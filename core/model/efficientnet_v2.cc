#include "core/model/efficientnet_v2.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/model/convolution.h"
#include "core/model/feature_classifier.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"
#include "core/model/onnx_tracer.h"
#include "core/model/squeeze_excitation.h"

namespace distill::core {
namespace {

constexpr int64_t kLastChannels = 1280;
constexpr int64_t kSqueezeDivisor = 4;    // of a block's input channels
constexpr double kStochasticDepth = 0.2;  // reached at the end of the network
constexpr NormOptions kNorm = {/*epsilon=*/1e-3};

/// One row of table 4 of the paper. Its kernels are all 3.
struct Stage {
  bool is_fused;  // fused inverted residuals: no depth-wise convolution, no excitation
  int64_t expansion;
  int64_t stride;  // of the first block
  int64_t channels;
  int64_t repeats;
};

struct Configuration {
  int64_t stem_channels;
  std::vector<Stage> stages;
  double dropout;
};

Configuration ConfigurationOf(EfficientNetV2Size size) {
  constexpr bool kFused = true;
  switch (size) {
    case EfficientNetV2Size::kSmall:
      return {24,
              {{kFused, 1, 1, 24, 2},
               {kFused, 4, 2, 48, 4},
               {kFused, 4, 2, 64, 4},
               {!kFused, 4, 2, 128, 6},
               {!kFused, 6, 1, 160, 9},
               {!kFused, 6, 2, 256, 15}},
              0.2};
    case EfficientNetV2Size::kMedium:
      return {24,
              {{kFused, 1, 1, 24, 3},
               {kFused, 4, 2, 48, 5},
               {kFused, 4, 2, 80, 5},
               {!kFused, 4, 2, 160, 7},
               {!kFused, 6, 1, 176, 14},
               {!kFused, 6, 2, 304, 18},
               {!kFused, 6, 1, 512, 5}},
              0.3};
    case EfficientNetV2Size::kLarge:
      return {32,
              {{kFused, 1, 1, 32, 4},
               {kFused, 4, 2, 64, 7},
               {kFused, 4, 2, 96, 7},
               {!kFused, 4, 2, 192, 10},
               {!kFused, 6, 1, 224, 19},
               {!kFused, 6, 2, 384, 25},
               {!kFused, 6, 1, 640, 7}},
              0.4};
  }
  return {};
}

/// Of one inverted residual.
struct BlockOptions {
  int64_t in_channels;
  int64_t stride;
  double drop_probability;
};

/// An inverted residual: a numbered chain under "block", the last of which has no activation.
class InvertedResidual final : public Layer {
 public:
  InvertedResidual(const Stage& stage, const BlockOptions& options)
      : path_(AddChild("block", std::make_unique<Sequential>())),
        drop_probability_(options.drop_probability),
        has_shortcut_(options.stride == 1 && options.in_channels == stage.channels) {
    const int64_t in = options.in_channels;
    const int64_t wide = in * stage.expansion;
    if (stage.is_fused && wide == in) {
      project_ = &Append({in, stage.channels, /*kernel=*/3, options.stride}, Activation::kSilu);
      return;
    }
    if (stage.is_fused) {
      Append({in, wide, /*kernel=*/3, options.stride}, Activation::kSilu);
    } else {
      Append({in, wide}, Activation::kSilu);
      Append({wide, wide, /*kernel=*/3, options.stride, /*groups=*/wide}, Activation::kSilu);
      path_.Append(std::make_unique<SqueezeExcitation>(
          SqueezeExcitationOptions{wide, std::max<int64_t>(1, in / kSqueezeDivisor), "fc1", "fc2",
                                   Activation::kSilu, Activation::kSigmoid}));
    }
    project_ = &Append({wide, stage.channels}, Activation::kNone);
    can_add_in_projection_ = true;
  }

  at::Tensor Forward(const at::Tensor& x) override {
    at::Tensor y = x;
    for (size_t i = 0; i + 1 < path_.layers().size(); ++i) y = path_.layers()[i]->Forward(y);
    if (!has_shortcut_) return project_->Forward(y);
    if (!is_training() && can_add_in_projection_) return project_->ForwardAdd(y, x);
    return StochasticDepth(project_->Forward(y), drop_probability_, is_training()) + x;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::string y = path_.Trace(tracer, x);
    return has_shortcut_ ? tracer.Node("Add", {y, x}) : y;
  }

 private:
  ConvNormActivation& Append(const ConvOptions& options, Activation activation) {
    return path_.Append(std::make_unique<ConvNormActivation>(options, activation, kNorm));
  }

  Sequential& path_;
  ConvNormActivation* project_ = nullptr;  // the last layer of path_
  bool can_add_in_projection_ = false;     // it has no activation
  double drop_probability_;
  bool has_shortcut_;
};

class EfficientNetV2 final : public FeatureClassifier {
 public:
  EfficientNetV2(const Configuration& configuration, int64_t num_classes) {
    AddFeatures(configuration);
    const Linear& linear = AppendClassifier(configuration.dropout, kLastChannels, num_classes);
    FillConvolutionsFanOut(*this);
    FillUniform(linear.weight(), 1.0 / std::sqrt(static_cast<double>(num_classes)));
  }

 private:
  void AddFeatures(const Configuration& configuration) {
    const ConvOptions stem = {3, configuration.stem_channels, /*kernel=*/3, /*stride=*/2};
    features().Append(std::make_unique<ConvNormActivation>(stem, Activation::kSilu, kNorm));
    int64_t num_blocks = 0;
    for (const Stage& stage : configuration.stages) num_blocks += stage.repeats;
    int64_t channels = stem.out_channels;
    int64_t block_index = 0;
    std::array<size_t, 4> blocks = {};  // the last feature at strides 4, 8, 16 and 32
    size_t num_halvings = 1;            // of height and width
    for (const Stage& stage : configuration.stages) {
      if (stage.stride == 2) ++num_halvings;
      Sequential& layer = features().Append(std::make_unique<Sequential>());
      for (int64_t i = 0; i < stage.repeats; ++i, ++block_index) {
        const double drop_probability =
            kStochasticDepth * static_cast<double>(block_index) / static_cast<double>(num_blocks);
        const BlockOptions options = {channels, i == 0 ? stage.stride : 1, drop_probability};
        layer.Append(std::make_unique<InvertedResidual>(stage, options));
        channels = stage.channels;
      }
      if (num_halvings >= 2) blocks.at(num_halvings - 2) = features().layers().size() - 1;
    }
    const ConvOptions last = {channels, kLastChannels};
    features().Append(std::make_unique<ConvNormActivation>(last, Activation::kSilu, kNorm));
    blocks.back() = features().layers().size() - 1;
    SetBlockFeatures(blocks);
  }
};

}  // namespace

std::unique_ptr<Model> MakeEfficientNetV2(EfficientNetV2Size size, int64_t num_classes) {
  return std::make_unique<EfficientNetV2>(ConfigurationOf(size), num_classes);
}

}  // namespace distill::core
