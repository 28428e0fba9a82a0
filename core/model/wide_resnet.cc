#include "core/model/wide_resnet.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"
#include "core/model/onnx_tracer.h"

namespace distill::core {
namespace {

constexpr int64_t kWideStemChannels = 16;

/// Norm and activation before each convolution. Where the number of channels changes, both ways
/// begin after the first activation; else the shortcut is the block's raw input.
class PreActivationBlock final : public Layer {
 public:
  PreActivationBlock(int64_t in_channels, int64_t out_channels, int64_t stride)
      : norm_(AddChild("bn1", std::make_unique<BatchNorm2d>(in_channels))),
        first_(AddFirst(in_channels, out_channels, stride)),
        second_(AddChild("conv2", std::make_unique<Conv2d>(
                                      ConvOptions{out_channels, out_channels, /*kernel=*/3}))) {
    if (in_channels == out_channels) return;
    const ConvOptions shortcut = {in_channels, out_channels, /*kernel=*/1, stride};
    shortcut_ = &AddChild("convShortcut", std::make_unique<Conv2d>(shortcut));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor active = Activate(norm_.Forward(x), Activation::kRelu);
    const at::Tensor y = second_.Forward(first_.Forward(active));
    return y + (shortcut_ == nullptr ? x : shortcut_->Forward(active));
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::string active = tracer.Activate(norm_.Trace(tracer, x), Activation::kRelu);
    const std::string y = second_.Trace(tracer, first_.Trace(tracer, active));
    return tracer.Node("Add", {y, shortcut_ == nullptr ? x : shortcut_->Trace(tracer, active)});
  }

  void FuseForInference() override {
    Module::FuseForInference();
    first_.Fuse();
  }

 private:
  ConvUnit AddFirst(int64_t in_channels, int64_t out_channels, int64_t stride) {
    const ConvOptions options = {in_channels, out_channels, /*kernel=*/3, stride};
    Conv2d& conv = AddChild("conv1", std::make_unique<Conv2d>(options));
    BatchNorm2d& norm = AddChild("bn2", std::make_unique<BatchNorm2d>(out_channels));
    return {conv, norm, Activation::kRelu};
  }

  BatchNorm2d& norm_;
  ConvUnit first_;
  Conv2d& second_;
  Conv2d* shortcut_ = nullptr;  // null: the identity
};

/// The blocks at one stride, under "layer".
class WideGroup final : public Layer {
 public:
  WideGroup() : layer_(AddChild("layer", std::make_unique<Sequential>())) {}

  void Append(int64_t in_channels, int64_t out_channels, int64_t stride) {
    layer_.Append(std::make_unique<PreActivationBlock>(in_channels, out_channels, stride));
  }

  at::Tensor Forward(const at::Tensor& x) override { return layer_.Forward(x); }
  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    return layer_.Trace(tracer, x);
  }

 private:
  Sequential& layer_;
};

class WideResNet final : public Model {
 public:
  WideResNet(int64_t depth, int64_t widening, int64_t num_classes)
      : stem_(AddChild("conv1",
                       std::make_unique<Conv2d>(ConvOptions{3, kWideStemChannels, /*kernel=*/3}))) {
    const int64_t blocks_each = (depth - 4) / 6;
    int64_t channels = kWideStemChannels;
    for (size_t i = 0; i < groups_.size(); ++i) {
      WideGroup& group = AddChild("block" + std::to_string(i + 1), std::make_unique<WideGroup>());
      const int64_t width = (kWideStemChannels << i) * widening;
      for (int64_t j = 0; j < blocks_each; ++j) {
        group.Append(channels, width, i > 0 && j == 0 ? 2 : 1);
        channels = width;
      }
      groups_.at(i) = &group;
    }
    norm_ = &AddChild("bn1", std::make_unique<BatchNorm2d>(channels));
    FillConvolutionsFanOut(*this);
    classifier_ = &AddChild("fc", std::make_unique<Linear>(channels, num_classes));
    FillUniform(classifier_->weight(), 1 / std::sqrt(static_cast<double>(channels)));
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = stem_.Forward(images);
    for (size_t i = 0; i < groups_.size(); ++i) {
      x = groups_.at(i)->Forward(x);
      if (want_blocks) output.blocks.at(i) = x;
    }
    output.embedding = GlobalAveragePool(Activate(norm_->Forward(x), Activation::kRelu));
    output.logits = classifier_->Forward(output.embedding);
    return output;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    std::string x = stem_.Trace(tracer, images);
    for (const WideGroup* group : groups_) x = group->Trace(tracer, x);
    const std::string active = tracer.Activate(norm_->Trace(tracer, x), Activation::kRelu);
    return classifier_->Trace(tracer, tracer.PoolToVector(active));
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {"fc.weight", "fc.bias"};
  }

 private:
  Conv2d& stem_;
  std::array<WideGroup*, 3> groups_ = {};
  BatchNorm2d* norm_ = nullptr;
  Linear* classifier_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> MakeWideResNet(int64_t depth, int64_t widening, int64_t num_classes) {
  return std::make_unique<WideResNet>(depth, widening, num_classes);
}

}  // namespace distill::core
