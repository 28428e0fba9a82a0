#include "core/model/cifar_vgg.h"

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

constexpr std::array<int64_t, 5> kVggWidths = {64, 128, 256, 512, 512};
constexpr double kVggLinearDeviation = 0.01;
constexpr int64_t kHeightOfExtraPool = 64;

/// Convolutions of one width, each with norm and activation. In the published list they stand three
/// places apart: convolution, norm and an activation without tensors.
class VggBlock final : public Layer {
 public:
  VggBlock(int64_t in_channels, int64_t width, int64_t num_convolutions) {
    ConvOptions options = {in_channels, width, /*kernel=*/3};
    options.has_bias = true;
    for (int64_t i = 0; i < num_convolutions; ++i) {
      Conv2d& conv = AddChild(std::to_string(3 * i), std::make_unique<Conv2d>(options));
      BatchNorm2d& norm = AddChild(std::to_string(3 * i + 1), std::make_unique<BatchNorm2d>(width));
      units_.emplace_back(conv, norm, Activation::kRelu);
      options.in_channels = width;
    }
  }

  at::Tensor Forward(const at::Tensor& x) override {
    at::Tensor y = x;
    for (ConvUnit& unit : units_) y = unit.Forward(y);
    return y;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    std::string y = x;
    for (const ConvUnit& unit : units_) y = unit.Trace(tracer, y);
    return y;
  }

  void FuseForInference() override {
    Module::FuseForInference();
    for (ConvUnit& unit : units_) unit.Fuse();
  }

 private:
  std::vector<ConvUnit> units_;
};

class CifarVgg final : public Model {
 public:
  CifarVgg(int64_t convolutions_each, int64_t num_classes) {
    int64_t channels = 3;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const int64_t width = kVggWidths.at(i);
      auto block = std::make_unique<VggBlock>(channels, width, convolutions_each);
      blocks_.at(i) = &AddChild("block" + std::to_string(i), std::move(block));
      channels = width;
    }
    classifier_ = &AddChild("classifier", std::make_unique<Linear>(channels, num_classes));
    FillConvolutionsFanOut(*this);
    FillNormal(classifier_->weight(), kVggLinearDeviation);
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = blocks_.front()->Forward(images);
    for (size_t i = 1; i < blocks_.size(); ++i) {
      const bool is_last = i + 1 == blocks_.size();
      if (!is_last || images.size(2) == kHeightOfExtraPool) x = at::max_pool2d(x, 2, 2);
      x = blocks_.at(i)->Forward(x);
      if (want_blocks) output.blocks.at(i - 1) = x;
    }
    output.embedding = GlobalAveragePool(x);
    output.logits = classifier_->Forward(output.embedding);
    return output;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    std::string x = blocks_.front()->Trace(tracer, images);
    for (size_t i = 1; i < blocks_.size(); ++i) {
      const bool is_last = i + 1 == blocks_.size();
      if (!is_last || tracer.image_size() == kHeightOfExtraPool) {
        x = tracer.Pool("MaxPool", x, {2, 2, 0});
      }
      x = blocks_.at(i)->Trace(tracer, x);
    }
    return classifier_->Trace(tracer, tracer.PoolToVector(x));
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {"classifier.weight", "classifier.bias"};
  }

 private:
  std::array<VggBlock*, 5> blocks_ = {};
  Linear* classifier_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> MakeCifarVgg(int64_t convolutions_each, int64_t num_classes) {
  return std::make_unique<CifarVgg>(convolutions_each, num_classes);
}

}  // namespace distill::core
