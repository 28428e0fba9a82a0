#include "core/model/ghostnet.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"
#include "core/model/onnx_tracer.h"
#include "core/model/squeeze_excitation.h"

namespace distill::core {
namespace {

constexpr int64_t kGhostNetStemChannels = 16;
constexpr int64_t kWideChannels = 960;
constexpr int64_t kHeadChannels = 1280;
constexpr int64_t kCheapKernel = 3;
constexpr double kGhostNetDropout = 0.2;
constexpr std::array<size_t, 4> kBlockStages = {2, 4, 6, 8};

/// One row of table 7 of the paper.
struct Bottleneck {
  int64_t kernel;
  int64_t expanded;
  int64_t channels;
  bool has_excitation;
  int64_t stride;
};

/// Returns the rows of table 7, in timm's stages: a new one at and after each change of scale.
std::vector<std::vector<Bottleneck>> Stages() {
  return {{{3, 16, 16, false, 1}},
          {{3, 48, 24, false, 2}},
          {{3, 72, 24, false, 1}},
          {{5, 72, 40, true, 2}},
          {{5, 120, 40, true, 1}},
          {{3, 240, 80, false, 2}},
          {{3, 200, 80, false, 1},
           {3, 184, 80, false, 1},
           {3, 184, 80, false, 1},
           {3, 480, 112, true, 1},
           {3, 672, 112, true, 1}},
          {{5, 672, 160, true, 2}},
          {{5, 960, 160, false, 1},
           {5, 960, 160, true, 1},
           {5, 960, 160, false, 1},
           {5, 960, 160, true, 1}}};
}

/// Returns the width of an excitation's middle: a quarter of `channels`, to the nearest multiple of
/// 4, but not below nine tenths of that quarter.
int64_t SqueezedChannels(int64_t channels) {
  constexpr int64_t kStep = 4;
  const double quarter = 0.25 * static_cast<double>(channels);
  const auto nearest = static_cast<int64_t>(quarter + kStep / 2.0) / kStep * kStep;
  const int64_t rounded = std::max(kStep, nearest);
  return static_cast<double>(rounded) < 0.9 * quarter ? rounded + kStep : rounded;
}

/// Makes half of the channels by a 1x1 convolution and the other half from them by a cheap
/// depth-wise one (figure 1b of the paper).
class GhostModule final : public Layer {
 public:
  GhostModule(int64_t in_channels, int64_t out_channels, Activation activation)
      : out_channels_(out_channels),
        primary_(AddHalf("primary_conv", {in_channels, (out_channels + 1) / 2}, activation)),
        cheap_(AddHalf("cheap_operation", CheapOptions((out_channels + 1) / 2), activation)) {}

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor intrinsic = primary_.Forward(x);
    const at::Tensor both = at::cat({intrinsic, cheap_.Forward(intrinsic)}, /*dim=*/1);
    return both.size(1) == out_channels_ ? both : both.narrow(1, 0, out_channels_);
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::string intrinsic = primary_.Trace(tracer, x);
    const std::string both = tracer.Concatenate(intrinsic, cheap_.Trace(tracer, intrinsic));
    return out_channels_ % 2 == 0 ? both : tracer.Channels(both, 0, out_channels_);
  }

 private:
  static ConvOptions CheapOptions(int64_t channels) {
    return {channels, channels, kCheapKernel, /*stride=*/1, /*groups=*/channels};
  }

  ConvNormActivation& AddHalf(const char* name, const ConvOptions& options, Activation activation) {
    return AddChild(name, std::make_unique<ConvNormActivation>(options, activation));
  }

  int64_t out_channels_;
  ConvNormActivation& primary_;
  ConvNormActivation& cheap_;
};

/// A depth-wise and a 1x1 convolution with their norms under the numbers 0 to 3: what replaces the
/// identity where a bottleneck changes the shape.
class GhostShortcut final : public Layer {
 public:
  GhostShortcut(int64_t in_channels, const Bottleneck& row)
      : depthwise_(AddUnit({in_channels, in_channels, row.kernel, row.stride, in_channels})),
        pointwise_(AddUnit({in_channels, row.channels})) {}

  at::Tensor Forward(const at::Tensor& x) override {
    return pointwise_.Forward(depthwise_.Forward(x));
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    return pointwise_.Trace(tracer, depthwise_.Trace(tracer, x));
  }

  void FuseForInference() override {
    depthwise_.Fuse();
    pointwise_.Fuse();
  }

 private:
  ConvUnit AddUnit(const ConvOptions& options) {
    Conv2d& conv = AddChild(std::to_string(children().size()), std::make_unique<Conv2d>(options));
    BatchNorm2d& norm = AddChild(std::to_string(children().size()),
                                 std::make_unique<BatchNorm2d>(options.out_channels));
    return {conv, norm, Activation::kNone};
  }

  ConvUnit depthwise_;
  ConvUnit pointwise_;
};

/// Two ghost modules with, between them, a depth-wise convolution where the scale changes, and an
/// excitation in some (figure 3 of the paper).
class GhostBottleneck final : public Layer {
 public:
  GhostBottleneck(int64_t in_channels, const Bottleneck& row)
      : ghost1_(AddChild("ghost1", std::make_unique<GhostModule>(in_channels, row.expanded,
                                                                 Activation::kRelu))) {
    if (row.stride > 1) AddDownscale(row);
    if (row.has_excitation) {
      excitation_ =
          &AddChild("se", std::make_unique<SqueezeExcitation>(SqueezeExcitationOptions{
                              row.expanded, SqueezedChannels(row.expanded), "conv_reduce",
                              "conv_expand", Activation::kRelu, Activation::kHardSigmoid}));
    }
    ghost2_ = &AddChild(
        "ghost2", std::make_unique<GhostModule>(row.expanded, row.channels, Activation::kNone));
    if (in_channels != row.channels || row.stride != 1) {
      shortcut_ = &AddChild("shortcut", std::make_unique<GhostShortcut>(in_channels, row));
    }
  }

  at::Tensor Forward(const at::Tensor& x) override {
    at::Tensor y = ghost1_.Forward(x);
    if (downscale_.has_value()) y = downscale_->Forward(y);
    if (excitation_ != nullptr) y = excitation_->Forward(y);
    return ghost2_->Forward(y).add_(shortcut_ == nullptr ? x : shortcut_->Forward(x));
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    std::string y = ghost1_.Trace(tracer, x);
    if (downscale_.has_value()) y = downscale_->Trace(tracer, y);
    if (excitation_ != nullptr) y = excitation_->Trace(tracer, y);
    return tracer.Node(
        "Add", {ghost2_->Trace(tracer, y), shortcut_ == nullptr ? x : shortcut_->Trace(tracer, x)});
  }

  void FuseForInference() override {
    Module::FuseForInference();
    if (downscale_.has_value()) downscale_->Fuse();
  }

 private:
  void AddDownscale(const Bottleneck& row) {
    const ConvOptions options = {row.expanded, row.expanded, row.kernel, row.stride, row.expanded};
    Conv2d& conv = AddChild("conv_dw", std::make_unique<Conv2d>(options));
    BatchNorm2d& norm = AddChild("bn_dw", std::make_unique<BatchNorm2d>(row.expanded));
    downscale_.emplace(conv, norm, Activation::kNone);
  }

  GhostModule& ghost1_;
  std::optional<ConvUnit> downscale_;
  SqueezeExcitation* excitation_ = nullptr;
  GhostModule* ghost2_ = nullptr;
  GhostShortcut* shortcut_ = nullptr;  // null: the identity
};

/// A 1x1 convolution under timm's names for one: "conv" and "bn1".
class WideConvolution final : public Layer {
 public:
  explicit WideConvolution(int64_t in_channels)
      : unit_{AddChild("conv", std::make_unique<Conv2d>(ConvOptions{in_channels, kWideChannels})),
              AddChild("bn1", std::make_unique<BatchNorm2d>(kWideChannels)), Activation::kRelu} {}

  at::Tensor Forward(const at::Tensor& x) override { return unit_.Forward(x); }
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    return unit_.Trace(tracer, x);
  }
  void FuseForInference() override { unit_.Fuse(); }

 private:
  ConvUnit unit_;
};

class GhostNet final : public Model {
 public:
  explicit GhostNet(int64_t num_classes)
      : stem_{AddChild("conv_stem", std::make_unique<Conv2d>(StemOptions())),
              AddChild("bn1", std::make_unique<BatchNorm2d>(kGhostNetStemChannels)),
              Activation::kRelu},
        stages_(AddChild("blocks", std::make_unique<Sequential>())),
        head_(AddChild("conv_head", std::make_unique<Conv2d>(HeadOptions()))),
        dropout_(AddChild("dropout", std::make_unique<Dropout>(kGhostNetDropout))),
        classifier_(AddChild("classifier", std::make_unique<Linear>(kHeadChannels, num_classes))) {
    int64_t channels = kGhostNetStemChannels;
    for (const std::vector<Bottleneck>& rows : Stages()) {
      Sequential& stage = stages_.Append(std::make_unique<Sequential>());
      for (const Bottleneck& row : rows) {
        stage.Append(std::make_unique<GhostBottleneck>(channels, row));
        channels = row.channels;
      }
    }
    Sequential& last = stages_.Append(std::make_unique<Sequential>());
    last.Append(std::make_unique<WideConvolution>(channels));
    FillUniformFanIn(*this);
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = stem_.Forward(images);
    size_t block = 0;
    for (size_t i = 0; i < stages_.layers().size(); ++i) {
      x = stages_.layers()[i]->Forward(x);
      if (want_blocks && block < kBlockStages.size() && i == kBlockStages.at(block)) {
        output.blocks.at(block++) = x;
      }
    }
    const at::Tensor pooled = at::adaptive_avg_pool2d(x, {1, 1});
    output.embedding = Activate(head_.Forward(pooled), Activation::kRelu).flatten(1);
    output.logits = classifier_.Forward(dropout_.Forward(output.embedding));
    return output;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    const std::string wide = stages_.Trace(tracer, stem_.Trace(tracer, images));
    const std::string pooled = tracer.Node("GlobalAveragePool", {wide});
    const std::string head = tracer.Activate(head_.Trace(tracer, pooled), Activation::kRelu);
    return classifier_.Trace(tracer, tracer.Node("Flatten", {head}, {{"axis", int64_t{1}}}));
  }

  void FuseForInference() override {
    Module::FuseForInference();
    stem_.Fuse();
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {"classifier.weight", "classifier.bias"};
  }

 private:
  static ConvOptions StemOptions() {
    return {3, kGhostNetStemChannels, /*kernel=*/3, /*stride=*/2};
  }

  static ConvOptions HeadOptions() {
    ConvOptions options = {kWideChannels, kHeadChannels};
    options.has_bias = true;
    return options;
  }

  ConvUnit stem_;
  Sequential& stages_;
  Conv2d& head_;
  Dropout& dropout_;
  Linear& classifier_;
};

}  // namespace

std::unique_ptr<Model> MakeGhostNet(int64_t num_classes) {
  return std::make_unique<GhostNet>(num_classes);
}

}  // namespace distill::core
