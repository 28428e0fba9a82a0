#include "core/model/resnet.h"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"
#include "core/model/onnx_tracer.h"
#include "core/model/residual_block.h"

namespace distill::core {
namespace {

constexpr int64_t kResNetStemChannels = 64;
constexpr int64_t kBottleneckExpansion = 4;
constexpr double kResNetDropout = 0.2;

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
        const ResidualBlockOptions block = {channels, width, width * expansion, stride,
                                            options.has_bottlenecks};
        layer.Append(std::make_unique<ResidualBlock>(block));
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

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    std::string x = tracer.Pool("MaxPool", stem_.Trace(tracer, images), {3, 2, 1});
    for (const Sequential* layer : layers_) x = layer->Trace(tracer, x);
    return classifier_->Trace(tracer, tracer.PoolToVector(x));
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
