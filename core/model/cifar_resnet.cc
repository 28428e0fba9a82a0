#include "core/model/cifar_resnet.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <utility>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/layer.h"
#include "core/model/onnx_tracer.h"

namespace distill::core {
namespace {

constexpr int64_t kCifarBottleneckExpansion = 4;

// He et al. 2015 by fan-in, for all matrices and kernels.
void FillWeightsFanIn(const Module& module) {
  for (const NamedTensor& entry : module.State()) {
    if (entry.kind != TensorKind::kWeight) continue;
    const int64_t fan_in = entry.tensor.numel() / entry.tensor.size(0);
    FillNormal(entry.tensor, std::sqrt(2.0 / static_cast<double>(fan_in)));
  }
}

class CifarResNet final : public Model {
 public:
  CifarResNet(const CifarResNetOptions& options, int64_t num_classes)
      : stem_{AddChild("conv1", std::make_unique<Conv2d>(
                                    ConvOptions{3, options.stem_channels, /*kernel=*/3})),
              AddChild("bn1", std::make_unique<BatchNorm2d>(options.stem_channels)),
              Activation::kRelu},
        classifier_name_(options.style == CifarResNetStyle::kRepDistiller ? "fc" : "linear") {
    int64_t channels = options.stem_channels;
    for (size_t i = 0; i < options.depths.size(); ++i) channels = AddLayer(options, i, channels);
    FillConvolutionsFanOut(*this);
    classifier_ = &AddChild(classifier_name_, std::make_unique<Linear>(channels, num_classes));
    FillUniformFanIn(*classifier_);
    if (options.style == CifarResNetStyle::kAkamaster) FillWeightsFanIn(*this);
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = stem_.Forward(images);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_[i]->Forward(x);
      if (want_blocks) output.blocks.at(i) = x;
    }
    output.embedding = GlobalAveragePool(x);
    output.logits = classifier_->Forward(output.embedding);
    return output;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    std::string x = stem_.Trace(tracer, images);
    for (const Sequential* layer : layers_) x = layer->Trace(tracer, x);
    return classifier_->Trace(tracer, tracer.PoolToVector(x));
  }

  void FuseForInference() override {
    Module::FuseForInference();
    stem_.Fuse();
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {classifier_name_ + ".weight", classifier_name_ + ".bias"};
  }

 private:
  // Returns the channels of what the layer makes.
  int64_t AddLayer(const CifarResNetOptions& options, size_t index, int64_t in_channels) {
    const int64_t width = options.first_width << index;
    ResidualBlockOptions block;
    block.in_channels = in_channels;
    block.width = width;
    block.out_channels = width * (options.has_bottlenecks ? kCifarBottleneckExpansion : 1);
    block.is_bottleneck = options.has_bottlenecks;
    if (options.style == CifarResNetStyle::kAkamaster) block.shortcut = Shortcut::kIdentity;
    if (options.style == CifarResNetStyle::kRepDistillerDeep) block.shortcut_name = "shortcut";
    Sequential& layer =
        AddChild("layer" + std::to_string(index + 1), std::make_unique<Sequential>());
    for (int64_t i = 0; i < options.depths[index]; ++i) {
      block.stride = index > 0 && i == 0 ? 2 : 1;
      layer.Append(std::make_unique<ResidualBlock>(block));
      block.in_channels = block.out_channels;
    }
    layers_.push_back(&layer);
    return block.out_channels;
  }

  ConvUnit stem_;
  std::vector<Sequential*> layers_;
  std::string classifier_name_;
  Linear* classifier_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> MakeCifarResNet(const CifarResNetOptions& options, int64_t num_classes) {
  return std::make_unique<CifarResNet>(options, num_classes);
}

}  // namespace distill::core
