#include "core/model/resnet.h"

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"

namespace distill::core {
namespace {

constexpr int64_t kResNetStemChannels = 64;
constexpr int64_t kBottleneckExpansion = 4;
constexpr double kResNetDropout = 0.2;

/// Of a residual block. `width`: channels of its 3x3 convolutions.
struct BlockOptions {
  int64_t in_channels;
  int64_t width;
  int64_t out_channels;
  int64_t stride;
};

/// A chain of convolutions with a shortcut around it: the basic block or the bottleneck.
class ResidualBlock final : public Layer {
 public:
  ResidualBlock(const BlockOptions& options, bool is_bottleneck) {
    const auto [in, width, out, stride] = options;
    if (is_bottleneck) {
      AddUnit({in, width}, Activation::kRelu);
      AddUnit({width, width, /*kernel=*/3, stride}, Activation::kRelu);
      AddUnit({width, out}, Activation::kRelu);
    } else {
      AddUnit({in, width, /*kernel=*/3, stride}, Activation::kRelu);
      AddUnit({width, out, /*kernel=*/3}, Activation::kRelu);
    }
    if (stride == 1 && in == out) return;
    const ConvOptions shortcut = {in, out, /*kernel=*/1, stride};
    downsample_ =
        &AddChild("downsample", std::make_unique<ConvNormActivation>(shortcut, Activation::kNone));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    at::Tensor y = x;
    for (size_t i = 0; i + 1 < units_.size(); ++i) y = units_[i].Forward(y);
    const at::Tensor shortcut = downsample_ == nullptr ? x : downsample_->Forward(x);
    return units_.back().ForwardAdd(y, shortcut);
  }

  void FuseForInference() override {
    Module::FuseForInference();
    for (ConvUnit& unit : units_) unit.Fuse();
  }

 private:
  void AddUnit(const ConvOptions& options, Activation activation) {
    const std::string number = std::to_string(units_.size() + 1);
    Conv2d& conv = AddChild("conv" + number, std::make_unique<Conv2d>(options));
    BatchNorm2d& norm =
        AddChild("bn" + number, std::make_unique<BatchNorm2d>(options.out_channels));
    units_.emplace_back(conv, norm, activation);
  }

  std::vector<ConvUnit> units_;               // the last adds the shortcut before its activation
  ConvNormActivation* downsample_ = nullptr;  // null: the shortcut is the identity
};

class ResNet final : public Model {
 public:
  ResNet(const ResNetOptions& options, int64_t num_classes)
      : stem_{AddChild("conv1", std::make_unique<Conv2d>(StemOptions())),
              AddChild("bn1", std::make_unique<BatchNorm2d>(kResNetStemChannels)),
              Activation::kRelu},
        dropout_(AddChild("dropout", std::make_unique<Dropout>(kResNetDropout))) {
    const int64_t expansion = options.has_bottlenecks ? kBottleneckExpansion : 1;
    int64_t channels = kResNetStemChannels;
    for (size_t i = 0; i < layers_.size(); ++i) {
      const int64_t width = kResNetStemChannels << i;
      Sequential& layer = AddChild("layer" + std::to_string(i + 1), std::make_unique<Sequential>());
      for (int64_t j = 0; j < options.depths.at(i); ++j) {
        const int64_t stride = i > 0 && j == 0 ? 2 : 1;
        const BlockOptions block = {channels, width, width * expansion, stride};
        layer.Append(std::make_unique<ResidualBlock>(block, options.has_bottlenecks));
        channels = block.out_channels;
      }
      layers_.at(i) = &layer;
    }
    FillConvolutionsFanOut(*this);
    classifier_ = &AddChild("fc", std::make_unique<Linear>(channels, num_classes));
    FillUniformFanIn(*classifier_);
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = at::max_pool2d(stem_.Forward(images), /*kernel_size=*/3, /*stride=*/2,
                                  /*padding=*/1);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_.at(i)->Forward(x);
      if (want_blocks) output.blocks.at(i) = x;
    }
    output.embedding = GlobalAveragePool(x);
    output.logits = classifier_->Forward(dropout_.Forward(output.embedding));
    return output;
  }

  void FuseForInference() override {
    Module::FuseForInference();
    stem_.Fuse();
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {"fc.weight", "fc.bias"};
  }

 private:
  static ConvOptions StemOptions() { return {3, kResNetStemChannels, /*kernel=*/7, /*stride=*/2}; }

  ConvUnit stem_;
  std::array<Sequential*, 4> layers_ = {};
  Dropout& dropout_;
  Linear* classifier_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> MakeResNet(const ResNetOptions& options, int64_t num_classes) {
  return std::make_unique<ResNet>(options, num_classes);
}

}  // namespace distill::core
