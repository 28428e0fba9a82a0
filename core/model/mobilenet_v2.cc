#include "core/model/mobilenet_v2.h"

#include <array>
#include <utility>

#include "core/model/convolution.h"
#include "core/model/feature_classifier.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"

namespace distill::core {
namespace {

constexpr int64_t kMobileNetStemChannels = 32;
constexpr int64_t kLastChannels = 1280;
constexpr double kMobileNetDropout = 0.2;
constexpr double kLinearDeviation = 0.01;
constexpr std::array<size_t, 4> kBlockLayers = {3, 6, 13, 18};

/// One row of table 2 of the paper.
struct Stage {
  int64_t expansion;
  int64_t channels;
  int64_t repeats;
  int64_t stride;  // of the first block
};
constexpr std::array<Stage, 7> kStages = {{{1, 16, 1, 1},
                                           {6, 24, 2, 2},
                                           {6, 32, 3, 2},
                                           {6, 64, 4, 2},
                                           {6, 96, 3, 1},
                                           {6, 160, 3, 2},
                                           {6, 320, 1, 1}}};

/// The children of an inverted residual: expansion, depth-wise and projection, numbered as in
/// torchvision, where the projection and its norm are children of their own.
class InvertedResidualPath final : public Module {
 public:
  InvertedResidualPath(int64_t in_channels, const Stage& stage, int64_t stride)
      : expand_(AddExpansion(in_channels, stage.expansion)),
        depthwise_(AddDepthwise(in_channels * stage.expansion, stride)),
        project_(AddProjection(in_channels * stage.expansion, stage.channels)) {}

  /// Returns the path's output before the projection.
  at::Tensor Widen(const at::Tensor& x) {
    return depthwise_.Forward(expand_ == nullptr ? x : expand_->Forward(x));
  }

  std::string TraceWiden(OnnxTracer& tracer, const std::string& x) const {
    return depthwise_.Trace(tracer, expand_ == nullptr ? x : expand_->Trace(tracer, x));
  }

  ConvUnit& project() { return project_; }

  void FuseForInference() override {
    Module::FuseForInference();
    project_.Fuse();
  }

 private:
  std::string NextName() const { return std::to_string(children().size()); }

  ConvNormActivation* AddExpansion(int64_t in_channels, int64_t expansion) {
    if (expansion == 1) return nullptr;
    ConvOptions options;
    options.in_channels = in_channels;
    options.out_channels = in_channels * expansion;
    return &AddChild(NextName(), std::make_unique<ConvNormActivation>(options, Activation::kRelu6));
  }

  ConvNormActivation& AddDepthwise(int64_t channels, int64_t stride) {
    const ConvOptions options = {channels, channels, /*kernel=*/3, stride, /*groups=*/channels};
    return AddChild(NextName(), std::make_unique<ConvNormActivation>(options, Activation::kRelu6));
  }

  ConvUnit AddProjection(int64_t in_channels, int64_t out_channels) {
    ConvOptions options;
    options.in_channels = in_channels;
    options.out_channels = out_channels;
    Conv2d& conv = AddChild(NextName(), std::make_unique<Conv2d>(options));
    BatchNorm2d& norm = AddChild(NextName(), std::make_unique<BatchNorm2d>(out_channels));
    return {conv, norm, Activation::kNone};
  }

  ConvNormActivation* expand_;  // null where the expansion is 1
  ConvNormActivation& depthwise_;
  ConvUnit project_;
};

class InvertedResidual final : public Layer {
 public:
  InvertedResidual(int64_t in_channels, const Stage& stage, int64_t stride)
      : path_(AddChild("conv", std::make_unique<InvertedResidualPath>(in_channels, stage, stride))),
        has_shortcut_(stride == 1 && in_channels == stage.channels) {}

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor wide = path_.Widen(x);
    return has_shortcut_ ? path_.project().ForwardAdd(wide, x) : path_.project().Forward(wide);
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    return path_.project().Trace(tracer, path_.TraceWiden(tracer, x), has_shortcut_ ? x : "");
  }

 private:
  InvertedResidualPath& path_;
  bool has_shortcut_;
};

class MobileNetV2 final : public FeatureClassifier {
 public:
  explicit MobileNetV2(int64_t num_classes) {
    AddFeatures();
    SetBlockFeatures(kBlockLayers);
    const Linear& linear = AppendClassifier(kMobileNetDropout, kLastChannels, num_classes);
    FillConvolutionsFanOut(*this);
    FillNormal(linear.weight(), kLinearDeviation);
  }

 private:
  void AddFeatures() {
    const ConvOptions stem = {3, kMobileNetStemChannels, /*kernel=*/3, /*stride=*/2};
    features().Append(std::make_unique<ConvNormActivation>(stem, Activation::kRelu6));
    int64_t channels = kMobileNetStemChannels;
    for (const Stage& stage : kStages) {
      for (int64_t i = 0; i < stage.repeats; ++i) {
        const int64_t stride = i == 0 ? stage.stride : 1;
        features().Append(std::make_unique<InvertedResidual>(channels, stage, stride));
        channels = stage.channels;
      }
    }
    const ConvOptions last = {channels, kLastChannels};
    features().Append(std::make_unique<ConvNormActivation>(last, Activation::kRelu6));
  }
};

}  // namespace

std::unique_ptr<Model> MakeMobileNetV2(int64_t num_classes) {
  return std::make_unique<MobileNetV2>(num_classes);
}

}  // namespace distill::core
