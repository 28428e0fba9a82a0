#include "core/model/model.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>

#include "core/base/architecture.h"
#include "core/base/sha256.h"
#include "core/device/amp.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/models/cifar_goldens.h"
#include "tests/oracle/models/model_goldens.h"
#include "tests/unit/core/model/closed_form.h"

namespace distill::core {

/// How GoogleTest shows a parameter.
inline void PrintTo(const ModelGolden& golden, std::ostream* stream) { *stream << golden.name; }

namespace {

using ::distill::core::testing::FillByClosedForm;
using ::distill::core::testing::RelativeDifference;
using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kNumClasses = 10;
constexpr double kTolerance = 1e-4;

at::Tensor Row(const float* values, int64_t count) {
  at::Tensor row = at::empty({count}, at::kFloat);
  std::copy(values, values + count, row.data_ptr<float>());
  return row;
}

/// One suite for each architecture, so that large models exist one at a time.
class ModelTest : public ::testing::TestWithParam<ModelGolden> {
 protected:
  static void TearDownTestSuite() { model_.reset(); }

  /// Returns a model in evaluation mode with weights of the closed form.
  static Model& ClosedFormModel() {
    if (model_ == nullptr) {
      model_ = CreateModel(GetParam().name, kNumClasses).value();
      FillByClosedForm(*model_);
    }
    model_->SetTraining(false);
    return *model_;
  }

  /// Call after changing weights or buffers of ClosedFormModel().
  static void DiscardModel() { model_.reset(); }

  static Architecture Facts() { return FindArchitecture(GetParam().name).value(); }

  /// Returns two pictures of the size that the goldens are of.
  static at::Tensor ClosedFormImages() {
    constexpr int kSmallPicture = 32;
    return testing::ClosedFormImages(Facts().image_size == kSmallPicture ? kSmallPicture : 64);
  }

 private:
  static std::unique_ptr<Model> model_;
};

std::unique_ptr<Model> ModelTest::model_;

TEST_P(ModelTest, NamesAndShapesAreThoseOfTheOracle) {
  std::string keys;
  for (const NamedTensor& entry : ClosedFormModel().State()) {
    keys += entry.name + " ";
    for (int64_t i = 0; i < entry.tensor.dim(); ++i) {
      keys += (i == 0 ? "" : "x") + std::to_string(entry.tensor.size(i));
    }
    keys += "\n";
  }

  EXPECT_EQ(Sha256Hex(keys), GetParam().key_sha256) << keys.substr(0, 1000);
}

TEST_P(ModelTest, HasThePublishedNumberOfParameters) {
  int64_t parameters = 0;
  for (const NamedTensor& entry : ClosedFormModel().Parameters()) {
    EXPECT_TRUE(entry.tensor.requires_grad()) << entry.name;
    parameters += entry.tensor.numel();
  }

  EXPECT_EQ(parameters, GetParam().parameters);
  const int64_t more_classes = Facts().published_classes - kNumClasses;
  EXPECT_EQ(parameters + more_classes * (Facts().embedding + 1), Facts().parameters);
}

TEST_P(ModelTest, ClassifierNamesAreThoseOfTheLastTwoTensors) {
  const NamedTensors state = ClosedFormModel().State();

  const auto [weight, bias] = ClosedFormModel().classifier_names();

  EXPECT_EQ(state.at(state.size() - 2).name, weight);
  EXPECT_EQ(state.back().name, bias);
}

TEST_P(ModelTest, BlocksHaveTheDocumentedShapes) {
  const at::NoGradGuard no_grad;
  Model& model = ClosedFormModel();

  const ModelOutput output = model.Forward(at::zeros({2, 3, 96, 64}), /*want_blocks=*/true);

  EXPECT_EQ(output.embedding.sizes(), at::IntArrayRef({2, Facts().embedding}));
  EXPECT_EQ(output.logits.sizes(), at::IntArrayRef({2, kNumClasses}));
  for (size_t i = 0; i < 4; ++i) {
    if (i >= static_cast<size_t>(Facts().num_blocks())) {
      EXPECT_FALSE(output.blocks.at(i).defined()) << "block " << i + 1;
      continue;
    }
    const int64_t stride = Facts().block_strides.at(i);
    EXPECT_EQ(output.blocks.at(i).sizes(),
              at::IntArrayRef({2, Facts().block_channels.at(i), 96 / stride, 64 / stride}))
        << "block " << i + 1;
  }
  EXPECT_FALSE(model.Forward(at::zeros({1, 3, 32, 32}), false).blocks.front().defined());
}

void ExpectGolden(const ModelOutput& output, const ModelGolden& golden) {
  const at::Tensor logits = Row(golden.logits, 2 * kNumClasses).view({2, kNumClasses});
  EXPECT_LT(RelativeDifference(output.logits, logits), kTolerance) << output.logits;
  EXPECT_LT(RelativeDifference(output.embedding[1].narrow(0, 0, 4), Row(golden.embedding, 4)),
            kTolerance);
  for (size_t i = 0; i < 4; ++i) {
    const at::Tensor& block = output.blocks.at(i);
    if (!block.defined()) continue;
    const float mean = golden.block_means[i];
    const float corner = golden.block_corners[i];
    EXPECT_NEAR(block.abs().mean().item<float>(), mean, kTolerance * mean) << "block " << i + 1;
    EXPECT_NEAR(block[1][-1][-1][-1].item<float>(), corner,
                kTolerance * block.abs().max().item<float>())
        << "block " << i + 1;
  }
}

TEST_P(ModelTest, OutputsAreThoseOfTheOracleForTheSameWeights) {
  const at::NoGradGuard no_grad;

  ExpectGolden(ClosedFormModel().Forward(ClosedFormImages(), /*want_blocks=*/true), GetParam());
}

TEST_P(ModelTest, GradientsReachEveryParameterAndTrainingUsesBatchStatistics) {
  Model& model = ClosedFormModel();
  const at::Tensor evaluated = model.Forward(ClosedFormImages(), false).logits.detach();
  model.SetTraining(true);

  const ModelOutput trained = model.Forward(ClosedFormImages(), /*want_blocks=*/true);
  at::Tensor loss = at::sum(trained.logits * trained.logits.detach().sign());
  for (const at::Tensor& block : trained.blocks) {
    if (block.defined()) loss = loss + block.abs().mean();
  }
  loss.backward();

  EXPECT_GT(RelativeDifference(trained.logits.detach(), evaluated), 0.01);
  for (const NamedTensor& entry : model.State()) {
    if (entry.kind == TensorKind::kBuffer) {
      if (entry.tensor.dim() == 0) {
        EXPECT_EQ(entry.tensor.item<int64_t>(), 1) << entry.name;
      }
      continue;
    }
    ASSERT_TRUE(entry.tensor.grad().defined()) << entry.name;
    EXPECT_TRUE(entry.tensor.grad().isfinite().all().item<bool>()) << entry.name;
  }
  DiscardModel();
}

TEST_P(ModelTest, RunsInBfloat16UnderAutocastAndLeavesGradientsInFloat32) {
  Model& model = ClosedFormModel();
  const at::Tensor images = ClosedFormImages();
  const at::Tensor expected = model.Forward(images, false).logits.detach();
  at::Tensor trained;
  {
    const AutocastScope autocast(at::Device(at::kCPU), AmpMode::kBfloat16);
    const ModelOutput output = model.Forward(images, /*want_blocks=*/true);
    EXPECT_EQ(output.logits.scalar_type(), at::kBFloat16);
    for (const at::Tensor& block : output.blocks) {
      EXPECT_TRUE(!block.defined() || block.scalar_type() == at::kBFloat16);
    }
    EXPECT_LT(RelativeDifference(output.logits.detach().to(at::kFloat), expected), 0.1);
    model.SetTraining(true);
    trained = model.Forward(images, false).logits;
  }
  trained.to(at::kFloat).sum().backward();

  for (const NamedTensor& entry : model.Parameters()) {
    ASSERT_TRUE(entry.tensor.grad().defined()) << entry.name;
    EXPECT_EQ(entry.tensor.grad().scalar_type(), at::kFloat) << entry.name;
    EXPECT_TRUE(entry.tensor.grad().isfinite().all().item<bool>()) << entry.name;
  }
  DiscardModel();
}

TEST_P(ModelTest, ChannelsLastGivesWhatContiguousGives) {
  const at::NoGradGuard no_grad;
  Model& model = ClosedFormModel();

  model.ToChannelsLast();

  const at::Tensor images = ClosedFormImages().contiguous(at::MemoryFormat::ChannelsLast);
  ExpectGolden(model.Forward(images, /*want_blocks=*/true), GetParam());
}

TEST_P(ModelTest, FusedGivesWhatUnfusedGives) {
  const at::NoGradGuard no_grad;
  Model& model = ClosedFormModel();
  model.ToChannelsLast();

  model.FuseForInference();

  const at::Tensor images = ClosedFormImages();
  ExpectGolden(model.Forward(images, /*want_blocks=*/true), GetParam());
  const at::Tensor channels_last = images.contiguous(at::MemoryFormat::ChannelsLast);
  ExpectGolden(model.Forward(channels_last, /*want_blocks=*/true), GetParam());
  const at::Tensor one = model.Forward(channels_last.narrow(0, 1, 1), false).logits;
  EXPECT_LT(RelativeDifference(one[0], Row(GetParam().logits + kNumClasses, kNumClasses)),
            kTolerance);
  DiscardModel();
}

const ModelGolden& GoldenOf(std::string_view name) {
  const auto is_it = [&](const ModelGolden& golden) { return golden.name == name; };
  const auto* small = std::find_if(std::begin(kCifarGoldens), std::end(kCifarGoldens), is_it);
  if (small != std::end(kCifarGoldens)) return *small;
  const auto* found = std::find_if(std::begin(kModelGoldens), std::end(kModelGoldens), is_it);
  EXPECT_NE(found, std::end(kModelGoldens)) << name;
  return *found;
}

// GoogleTest wants no dashes in names.
std::string NameOf(const ::testing::TestParamInfo<ModelGolden>& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

#define DISTILL_TEST_MODEL(prefix, architecture) \
  INSTANTIATE_TEST_SUITE_P(prefix, ModelTest, ::testing::Values(GoldenOf(architecture)), NameOf)
DISTILL_TEST_MODEL(MobileNetV2, "mobilenetv2");
DISTILL_TEST_MODEL(ResNet18, "resnet18");
DISTILL_TEST_MODEL(ResNet34, "resnet34");
DISTILL_TEST_MODEL(ResNet50, "resnet50");
DISTILL_TEST_MODEL(ResNet101, "resnet101");
DISTILL_TEST_MODEL(ResNet152, "resnet152");
DISTILL_TEST_MODEL(GhostNet, "ghostnet");
DISTILL_TEST_MODEL(EfficientNetV2Small, "efficientnet_v2_s");
DISTILL_TEST_MODEL(EfficientNetV2Medium, "efficientnet_v2_m");
DISTILL_TEST_MODEL(EfficientNetV2Large, "efficientnet_v2_l");
DISTILL_TEST_MODEL(ResNet8, "resnet8");
DISTILL_TEST_MODEL(ResNet14, "resnet14");
DISTILL_TEST_MODEL(ResNet20, "resnet20");
DISTILL_TEST_MODEL(ResNet32, "resnet32");
DISTILL_TEST_MODEL(ResNet44, "resnet44");
DISTILL_TEST_MODEL(ResNet56, "resnet56");
DISTILL_TEST_MODEL(ResNet110, "resnet110");
DISTILL_TEST_MODEL(ResNet8x4, "resnet8x4");
DISTILL_TEST_MODEL(ResNet32x4, "resnet32x4");
DISTILL_TEST_MODEL(ResNet20A, "resnet20-a");
DISTILL_TEST_MODEL(ResNet32A, "resnet32-a");
DISTILL_TEST_MODEL(ResNet44A, "resnet44-a");
DISTILL_TEST_MODEL(ResNet56A, "resnet56-a");
DISTILL_TEST_MODEL(ResNet110A, "resnet110-a");
DISTILL_TEST_MODEL(WideResNet16Times1, "wrn-16-1");
DISTILL_TEST_MODEL(WideResNet16Times2, "wrn-16-2");
DISTILL_TEST_MODEL(WideResNet40Times1, "wrn-40-1");
DISTILL_TEST_MODEL(WideResNet40Times2, "wrn-40-2");
DISTILL_TEST_MODEL(Vgg8, "vgg8");
DISTILL_TEST_MODEL(Vgg13, "vgg13");
DISTILL_TEST_MODEL(CifarMobileNetV2, "cifar-mobilenetv2");
DISTILL_TEST_MODEL(CifarShuffleNetV1, "cifar-shufflenetv1");
DISTILL_TEST_MODEL(CifarShuffleNetV2, "cifar-shufflenetv2");
DISTILL_TEST_MODEL(CifarResNet50, "cifar-resnet50");
#undef DISTILL_TEST_MODEL

TEST(ModelCatalogTest, EveryArchitectureHasAGolden) {
  EXPECT_EQ(Architectures().size(), std::size(kModelGoldens) + std::size(kCifarGoldens));
  for (const Architecture& architecture : Architectures()) GoldenOf(architecture.name);
}

TEST(ModelCatalogTest, UnknownNameIsNotFoundAndListsTheOthers) {
  EXPECT_THAT(CreateModel("resnet1202", kNumClasses),
              StatusIs(Code::kNotFound, HasSubstr("mobilenetv2 resnet18")));
}

TEST(ModelCatalogTest, ModelWithoutClassesIsInvalid) {
  EXPECT_THAT(CreateModel("resnet18", 0), StatusIs(Code::kInvalidArgument, HasSubstr("0")));
}

}  // namespace
}  // namespace distill::core
