#include "core/model/cifar_mobilenet_v2.h"

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

constexpr int64_t kHalfStemChannels = 16;
constexpr int64_t kHalfLastChannels = 1280;
constexpr double kHalfLinearDeviation = 0.01;
constexpr std::array<size_t, 4> kHalfBlockStages = {1, 2, 4, 6};

/// Of half the paper's channels, rounded down.
struct HalfStage {
  int64_t expansion;
  int64_t channels;
  int64_t repeats;
  int64_t stride;  // of the first block
};
constexpr std::array<HalfStage, 7> kHalfStages = {{{1, 8, 1, 1},
                                                   {6, 12, 2, 1},
                                                   {6, 16, 3, 2},
                                                   {6, 32, 4, 2},
                                                   {6, 48, 3, 1},
                                                   {6, 80, 3, 2},
                                                   {6, 160, 1, 1}}};

/// The children of an inverted residual: three convolutions, each with its norm, at places 0, 3 and
/// 6 of the published list, which counts activations too.
class HalfResidualPath final : public Module {
 public:
  HalfResidualPath(int64_t in_channels, int64_t out_channels, int64_t expansion, int64_t stride) {
    const int64_t wide = in_channels * expansion;
    AddUnit(0, {in_channels, wide}, Activation::kRelu);
    AddUnit(3, {wide, wide, /*kernel=*/3, stride, /*groups=*/wide}, Activation::kRelu);
    AddUnit(6, {wide, out_channels}, Activation::kNone);
  }

  void FuseForInference() override {
    Module::FuseForInference();
    for (ConvUnit& unit : units_) unit.Fuse();
  }

  std::vector<ConvUnit>& units() { return units_; }

 private:
  void AddUnit(int64_t place, const ConvOptions& options, Activation activation) {
    Conv2d& conv = AddChild(std::to_string(place), std::make_unique<Conv2d>(options));
    BatchNorm2d& norm =
        AddChild(std::to_string(place + 1), std::make_unique<BatchNorm2d>(options.out_channels));
    units_.emplace_back(conv, norm, activation);
  }

  std::vector<ConvUnit> units_;
};

class HalfResidual final : public Layer {
 public:
  HalfResidual(int64_t in_channels, const HalfStage& stage, int64_t stride)
      : path_(AddChild("conv", std::make_unique<HalfResidualPath>(in_channels, stage.channels,
                                                                  stage.expansion, stride))),
        has_shortcut_(stride == 1 && in_channels == stage.channels) {}

  at::Tensor Forward(const at::Tensor& x) override {
    std::vector<ConvUnit>& units = path_.units();
    const at::Tensor wide = units[1].Forward(units[0].Forward(x));
    return has_shortcut_ ? units[2].ForwardAdd(wide, x) : units[2].Forward(wide);
  }

  std::string Trace(OnnxTracer& tracer, const std::string& x) const override {
    const std::vector<ConvUnit>& units = path_.units();
    const std::string wide = units[1].Trace(tracer, units[0].Trace(tracer, x));
    return units[2].Trace(tracer, wide, has_shortcut_ ? x : "");
  }

 private:
  HalfResidualPath& path_;
  bool has_shortcut_;
};

class CifarMobileNetV2 final : public Model {
 public:
  explicit CifarMobileNetV2(int64_t num_classes)
      : stem_(AddChild("conv1", std::make_unique<ConvNormActivation>(
                                    ConvOptions{3, kHalfStemChannels, /*kernel=*/3, /*stride=*/2},
                                    Activation::kRelu))),
        stages_(AddChild("blocks", std::make_unique<Sequential>())) {
    int64_t channels = kHalfStemChannels;
    for (const HalfStage& stage : kHalfStages) {
      Sequential& blocks = stages_.Append(std::make_unique<Sequential>());
      for (int64_t i = 0; i < stage.repeats; ++i) {
        blocks.Append(std::make_unique<HalfResidual>(channels, stage, i == 0 ? stage.stride : 1));
        channels = stage.channels;
      }
    }
    last_ = &AddChild("conv2", std::make_unique<ConvNormActivation>(
                                   ConvOptions{channels, kHalfLastChannels}, Activation::kRelu));
    classifier_ = &AddChild("classifier", std::make_unique<Sequential>());
    const Linear& linear =
        classifier_->Append(std::make_unique<Linear>(kHalfLastChannels, num_classes));
    FillConvolutionsFanOut(*this);
    FillNormal(linear.weight(), kHalfLinearDeviation);
  }

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    ModelOutput output;
    at::Tensor x = stem_.Forward(images);
    size_t block = 0;
    for (size_t i = 0; i < stages_.layers().size(); ++i) {
      x = stages_.layers()[i]->Forward(x);
      if (i != kHalfBlockStages.at(block)) continue;
      if (want_blocks) output.blocks.at(block) = x;
      ++block;
    }
    output.embedding = GlobalAveragePool(last_->Forward(x));
    output.logits = classifier_->Forward(output.embedding);
    return output;
  }

  std::string Trace(OnnxTracer& tracer, const std::string& images) const override {
    const std::string x = stages_.Trace(tracer, stem_.Trace(tracer, images));
    return classifier_->Trace(tracer, tracer.PoolToVector(last_->Trace(tracer, x)));
  }

  std::pair<std::string, std::string> classifier_names() const override {
    return {"classifier.0.weight", "classifier.0.bias"};
  }

 private:
  ConvNormActivation& stem_;
  Sequential& stages_;
  ConvNormActivation* last_ = nullptr;
  Sequential* classifier_ = nullptr;
};

}  // namespace

std::unique_ptr<Model> MakeCifarMobileNetV2(int64_t num_classes) {
  return std::make_unique<CifarMobileNetV2>(num_classes);
}

}  // namespace distill::core
