#include "core/model/layer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/model/convolution.h"
#include "core/model/initialization.h"
#include "core/model/model.h"
#include "tests/unit/core/model/closed_form.h"

namespace distill::core {
namespace {

using ::distill::core::testing::RelativeDifference;

at::Tensor Find(const Module& module, const std::string& name) {
  for (const NamedTensor& entry : module.State()) {
    if (entry.name == name) return entry.tensor;
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(LayerTest, StochasticDepthDropsWholeImagesAndKeepsTheMean) {
  const at::Tensor x = at::ones({20000, 1, 1, 2});

  const at::Tensor y = StochasticDepth(x, /*drop_probability=*/0.2, /*is_training=*/true);

  EXPECT_TRUE(at::equal(y.select(3, 0), y.select(3, 1)));
  EXPECT_TRUE((y.eq(0) | y.sub(1.25).abs().lt(1e-6)).all().item<bool>());
  // Five standard deviations of the mean of that many draws.
  EXPECT_NEAR(y.mean().item<double>(), 1.0, 5 * 0.5 / std::sqrt(20000.0));
}

TEST(LayerTest, DropoutAndStochasticDepthAreTheIdentityInEvaluation) {
  const at::Tensor x = at::rand({4, 3, 2, 2});
  Dropout dropout(0.5);
  dropout.SetTraining(false);

  EXPECT_TRUE(at::equal(dropout.Forward(x), x));
  EXPECT_TRUE(at::equal(StochasticDepth(x, 0.5, /*is_training=*/false), x));
}

TEST(LayerTest, BatchNormNormalisesTheBatchAndMovesItsRunningStatistics) {
  BatchNorm2d norm(1);
  const at::Tensor x = at::tensor({1.0F, 2.0F, 3.0F, 6.0F}).view({2, 1, 1, 2});

  const at::Tensor y = norm.Forward(x).detach();

  // Mean 3, biased variance 3.5 (for the output), unbiased 14 / 3 (for the running variance).
  EXPECT_LT(RelativeDifference(y, (x - 3) / std::sqrt(3.5 + 1e-5)), 1e-6);
  EXPECT_NEAR(Find(norm, "running_mean").item<double>(), 0.1 * 3, 1e-6);
  EXPECT_NEAR(Find(norm, "running_var").item<double>(), 0.9 + 0.1 * 14 / 3, 1e-6);
  EXPECT_EQ(Find(norm, "num_batches_tracked").item<int64_t>(), 1);
}

TEST(LayerTest, BatchNormRefusesToTrainOnOneValueAChannel) {
  BatchNorm2d norm(8);

  EXPECT_THROW(norm.Forward(at::rand({1, 8, 1, 1})), c10::Error);
}

TEST(LayerTest, FoldedNormAndActivationsGiveWhatSeparateOnesGive) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({2, 8, 9, 9}).contiguous(at::MemoryFormat::ChannelsLast);
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kRelu6, Activation::kSilu,
        Activation::kSigmoid, Activation::kHardSigmoid}) {
    for (const int64_t groups : {1, 8}) {
      ConvNormActivation layer({8, 8, /*kernel=*/3, /*stride=*/1, groups}, activation);
      for (const NamedTensor& entry : layer.State()) {
        if (entry.tensor.dim() > 0) FillUniform(entry.tensor, 2.0);
      }
      Find(layer, "1.running_var").add_(3.0);
      layer.SetTraining(false);
      layer.ToChannelsLast();
      const at::Tensor expected = layer.Forward(x);
      const at::Tensor expected_sum = layer.ForwardAdd(x, x);

      layer.FuseForInference();

      EXPECT_LT(RelativeDifference(layer.Forward(x), expected), 1e-5);
      EXPECT_LT(RelativeDifference(layer.ForwardAdd(x, x.clone()), expected_sum), 1e-5);
      EXPECT_LT(RelativeDifference(layer.Forward(x.contiguous()), expected), 1e-5);
    }
  }
}

TEST(InitializationTest, ConvolutionsAreNormalWithVarianceTwoOverFanOut) {
  const Conv2d conv({64, 128, /*kernel=*/3});

  FillConvolutionsFanOut(conv);

  const double deviation = std::sqrt(2.0 / (128 * 9));
  EXPECT_NEAR(conv.weight().std().item<double>(), deviation, 0.02 * deviation);
  EXPECT_NEAR(conv.weight().mean().item<double>(), 0.0, 0.02 * deviation);
  // A normal draw exceeds twice its deviation with probability 0.0455.
  const at::Tensor is_far = conv.weight().abs().gt(2 * deviation);
  EXPECT_NEAR(is_far.to(at::kFloat).mean().item<double>(), 0.0455, 0.005);
}

TEST(InitializationTest, LinearLayersAreUniformWithinOneOverRootFanIn) {
  const Linear linear(400, 300);

  FillUniformFanIn(linear);

  for (const NamedTensor& entry : linear.State()) {
    const double largest = entry.tensor.abs().max().item<double>();
    EXPECT_LE(largest, 1.0 / 20) << entry.name;
    EXPECT_GT(largest, 0.95 / 20) << entry.name;
  }
}

TEST(InitializationTest, SameSeedGivesTheSameModel) {
  at::manual_seed(7);
  const auto first = CreateModel("mobilenetv2", 5).value();
  at::manual_seed(7);
  const auto second = CreateModel("mobilenetv2", 5).value();

  const NamedTensors a = first->State();
  const NamedTensors b = second->State();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i].tensor, b[i].tensor));
}

}  // namespace
}  // namespace distill::core
