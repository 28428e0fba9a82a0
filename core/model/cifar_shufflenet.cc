#include "core/model/cifar_shufflenet.h"

#include <ATen/ATen.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"
#include "core/model/onnx_tracer.h"

namespace distill::core {
namespace {

constexpr int64_t kShuffleStemChannels = 24;
constexpr int64_t kShuffleGroups = 3;
constexpr std::array<int64_t, 3> kShuffleDepths = {4, 8, 4};
constexpr std::array<int64_t, 3> kShuffleV1Widths = {240, 480, 960};
constexpr std::array<int64_t, 3> kShuffleV2Widths = {116, 232, 464};
constexpr int64_t kShuffleV2LastChannels = 1024;

/// Returns the channels of `x` with the first of each group in front, then the second of each, ...
at::Tensor ShuffleChannels(const at::Tensor& x, int64_t groups) {
  const int64_t channels = x.size(1);
  return x.view({x.size(0), groups, channels / groups, x.size(2), x.size(3)})
      .permute({0, 2, 1, 3, 4})
      .reshape({x.size(0), channels, x.size(2), x.size(3)})
      .contiguous(x.suggest_memory_format());
}

/// ShuffleChannels(), of `channels` channels.
std::string TraceShuffle(OnnxTracer& tracer, const std::string& x, int64_t channels,
                         int64_t groups) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < channels; ++i) {
    order.push_back(i % groups * (channels / groups) + i / groups);
  }
  return tracer.Reorder(x, order);
}

/// A module of numbered convolutions with their norms: conv1, bn1, conv2, bn2, ...
class ShuffleUnit : public Layer {
 public:
  void FuseForInference() final {
    Module::FuseForInference();
    for (ConvUnit& unit : units_) unit.Fuse();
  }

 protected:
  void AddUnit(const ConvOptions& options, Activation activation) {
    const std::string number = std::to_string(units_.size() + 1);
    Conv2d& conv = AddChild("conv" + number, std::make_unique<Conv2d>(options));
    BatchNorm2d& norm =
        AddChild("bn" + number, std::make_unique<BatchNorm2d>(options.out_channels));
    units_.emplace_back(conv, norm, activation);
  }

  ConvUnit& unit(size_t index) { return units_.at(index); }
  const ConvUnit& unit(size_t index) const { return units_.at(index); }

 private:
  std::vector<ConvUnit> units_;
};

/// Grouped bottleneck; at stride 2 its input, averaged, is put beside its output instead of added.
class ShuffleV1Block final : public ShuffleUnit {
 public:
  ShuffleV1Block(int64_t in_channels, int64_t out_channels, int64_t stride)
      : stride_(stride),
        groups_(in_channels == kShuffleStemChannels ? 1 : kShuffleGroups),
        middle_((stride == 2 ? out_channels - in_channels : out_channels) / 4) {
    const int64_t made = stride == 2 ? out_channels - in_channels : out_channels;
    AddUnit({in_channels, middle_, /*kernel=*/1, /*stride=*/1, groups_}, Activation::kRelu);
    AddUnit({middle_, middle_, /*kernel=*/3, stride, /*groups=*/middle_}, Activation::kRelu);
    AddUnit({middle_, made, /*kernel=*/1, /*stride=*/1, kShuffleGroups},
            stride == 2 ? Activation::kNone : Activation::kRelu);
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor y = unit(1).Forward(ShuffleChannels(unit(0).Forward(x), groups_));
    if (stride_ != 2) return unit(2).ForwardAdd(y, x);
    const at::Tensor averaged = at::avg_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    return Activate(at::cat({unit(2).Forward(y), averaged}, 1), Activation::kRelu);
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::string first = unit(0).Trace(tracer, x);
    const std::string y = unit(1).Trace(tracer, TraceShuffle(tracer, first, middle_, groups_));
    if (stride_ != 2) return unit(2).Trace(tracer, y, x);
    const std::string averaged = tracer.Pool("AveragePool", x, {3, 2, 1});
    return tracer.Activate(tracer.Concatenate(unit(2).Trace(tracer, y), averaged),
                           Activation::kRelu);
  }

 private:
  const int64_t stride_;
  const int64_t groups_;
  const int64_t middle_;  // channels of the depth-wise convolution
};

/// Half of the channels go by, the other half through three convolutions.
class ShuffleV2Block final : public ShuffleUnit {
 public:
  explicit ShuffleV2Block(int64_t channels) : channels_(channels) {
    const int64_t half = channels / 2;
    AddUnit({half, half}, Activation::kRelu);
    AddUnit({half, half, /*kernel=*/3, /*stride=*/1, /*groups=*/half}, Activation::kNone);
    AddUnit({half, half}, Activation::kRelu);
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const std::vector<at::Tensor> halves = x.chunk(2, 1);
    const at::Tensor changed = unit(2).Forward(unit(1).Forward(unit(0).Forward(halves[1])));
    return ShuffleChannels(at::cat({halves[0], changed}, 1), 2);
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::string by = tracer.Channels(x, 0, channels_ / 2);
    std::string changed = tracer.Channels(x, channels_ / 2, channels_);
    for (size_t i = 0; i < 3; ++i) changed = unit(i).Trace(tracer, changed);
    return TraceShuffle(tracer, tracer.Concatenate(by, changed), channels_, 2);
  }

 private:
  const int64_t channels_;
};

/// Both ways at stride 2: convolutions 1 and 2, and 3 to 5.
class ShuffleV2Down final : public ShuffleUnit {
 public:
  ShuffleV2Down(int64_t in_channels, int64_t out_channels) : out_channels_(out_channels) {
    const int64_t half = out_channels / 2;
    AddUnit({in_channels, in_channels, /*kernel=*/3, /*stride=*/2, /*groups=*/in_channels},
            Activation::kNone);
    AddUnit({in_channels, half}, Activation::kRelu);
    AddUnit({in_channels, half}, Activation::kRelu);
    AddUnit({half, half, /*kernel=*/3, /*stride=*/2, /*groups=*/half}, Activation::kNone);
    AddUnit({half, half}, Activation::kRelu);
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor left = unit(1).Forward(unit(0).Forward(x));
    const at::Tensor right = unit(4).Forward(unit(3).Forward(unit(2).Forward(x)));
    return ShuffleChannels(at::cat({left, right}, 1), 2);
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::string left = unit(1).Trace(tracer, unit(0).Trace(tracer, x));
    std::string right = x;
    for (size_t i = 2; i < 5; ++i) right = unit(i).Trace(tracer, right);
    return TraceShuffle(tracer, tracer.Concatenate(left, right), out_channels_, 2);
  }

 private:
  const int64_t out_channels_;
};

/// What the two have in common: a 1x1 stem, three layers and a linear layer over the average of
/// what a last convolution, if there is one, makes.
class CifarShuffleNet final : public Model {
 public:
  CifarShuffleNet(bool is_v2, int64_t num_classes)
      : stem_{AddChild("conv1", std::make_unique<Conv2d>(ConvOptions{3, kShuffleStemChannels})),
              AddChild("bn1", std::make_unique<BatchNorm2d>(kShuffleStemChannels)),
              Activation::kRelu} {
    int64_t channels = kShuffleStemChannels;
    for (size_t i = 0; i < layers_.size(); ++i) {
      Sequential& layer = AddChild("layer" + std::to_string(i + 1), std::make_unique<Sequential>());
      const int64_t width = is_v2 ? kShuffleV2Widths.at(i) : kShuffleV1Widths.at(i);
      for (int64_t j = 0; j < kShuffleDepths.at(i); ++j) {
        AppendBlock(is_v2, j == 0, width, channels, layer);
      }
      layers_.at(i) = &layer;
    }
    if (is_v2) {
      AddLast(channels);
      channels = kShuffleV2LastChannels;
    }
    classifier_ = &AddChild("linear", std::make_unique<Linear>(channels, num_classes));
    FillUniformFanIn(*this);
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = stem_.Forward(images);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_.at(i)->Forward(x);
      if (want_blocks) output.blocks.at(i) = x;
    }
    for (ConvUnit& last : last_) x = last.Forward(x);
    output.embedding = GlobalAveragePool(x);
    output.logits = classifier_->Forward(output.embedding);
    return output;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    std::string x = stem_.Trace(tracer, images);
    for (const Sequential* layer : layers_) x = layer->Trace(tracer, x);
    for (const ConvUnit& last : last_) x = last.Trace(tracer, x);
    return classifier_->Trace(tracer, tracer.PoolToVector(x));
  }

  void FuseForInference() override {
    Module::FuseForInference();
    stem_.Fuse();
    for (ConvUnit& last : last_) last.Fuse();
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {"linear.weight", "linear.bias"};
  }

 private:
  // Appends a block and sets `channels` to what it makes.
  static void AppendBlock(bool is_v2, bool is_first, int64_t width, int64_t& channels,
                          Sequential& layer) {
    if (!is_v2) {
      layer.Append(std::make_unique<ShuffleV1Block>(channels, width, is_first ? 2 : 1));
    } else if (is_first) {
      layer.Append(std::make_unique<ShuffleV2Down>(channels, width));
    } else {
      layer.Append(std::make_unique<ShuffleV2Block>(channels));
    }
    channels = width;
  }

  void AddLast(int64_t channels) {
    const ConvOptions options = {channels, kShuffleV2LastChannels};
    Conv2d& conv = AddChild("conv2", std::make_unique<Conv2d>(options));
    BatchNorm2d& norm = AddChild("bn2", std::make_unique<BatchNorm2d>(options.out_channels));
    last_.emplace_back(conv, norm, Activation::kRelu);
  }

  ConvUnit stem_;
  std::array<Sequential*, 3> layers_ = {};
  std::vector<ConvUnit> last_;  // one in V2, none in V1
  Linear* classifier_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> MakeCifarShuffleNetV1(int64_t num_classes) {
  return std::make_unique<CifarShuffleNet>(/*is_v2=*/false, num_classes);
}

std::unique_ptr<Model> MakeCifarShuffleNetV2(int64_t num_classes) {
  return std::make_unique<CifarShuffleNet>(/*is_v2=*/true, num_classes);
}

}  // namespace distill::core
