#include "core/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "core/model/module.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/loss/goldens.h"
#include "tests/unit/core/train/three_parameters.h"

namespace distill::core {
namespace {

using distill::testing::HasCode;
using distill::testing::IsOk;
using distill::testing::StatusIs;
using ::testing::HasSubstr;
using testing::ThreeParameters;
using testing::TrajectoryRate;

constexpr int kNumSteps = 20;
using Golden = std::array<double, 11>;

OptimizerOptions OptionsOf(OptimizerKind kind) {
  OptimizerOptions options;
  options.kind = kind;
  options.weight_decay = 0.05;
  return options;
}

std::unique_ptr<Optimizer> MakeOptimizer(const Module& module, const OptimizerOptions& options) {
  auto optimizer = Optimizer::Create(module.Parameters(), options);
  EXPECT_THAT(optimizer, IsOk());
  return std::move(optimizer).value();
}

void TrainSteps(const ThreeParameters& module, Optimizer& optimizer, int first_step,
                int last_step) {
  for (int step = first_step; step <= last_step; ++step) {
    module.SetGradients(step);
    optimizer.CollectGradients();
    optimizer.Step(TrajectoryRate(step));
  }
}

struct TrajectoryCase {
  const char* name;
  OptimizerKind kind;
  at::ScalarType type;
  const Golden* golden;
  double tolerance;
};

class TrajectoryTest : public ::testing::TestWithParam<TrajectoryCase> {};

// Values from torch.optim, see tests/oracle/loss/make_goldens.py.
TEST_P(TrajectoryTest, EqualsTorchOptimAfterTwentySteps) {
  const TrajectoryCase& expected = GetParam();
  const ThreeParameters module(expected.type);
  const auto optimizer = MakeOptimizer(module, OptionsOf(expected.kind));

  TrainSteps(module, *optimizer, 1, kNumSteps);

  const std::vector<double> values = module.Values();
  ASSERT_EQ(values.size(), expected.golden->size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected.golden->at(i), expected.tolerance) << i;
  }
}

// What runs on a GPU, tried on the CPU.
TEST_P(TrajectoryTest, TensorOperationsEqualTheOnePassUpdate) {
  const TrajectoryCase& expected = GetParam();
  const at::Tensor start = at::sin(at::arange(1000, at::kDouble)).to(expected.type);
  const auto make = [&start] {
    return UpdateTensors{start.clone(), at::cos(start * 3), at::zeros_like(start),
                         at::zeros_like(start), 0.05};
  };
  const UpdateTensors fused = make();
  const UpdateTensors split = make();
  const OptimizerOptions options = OptionsOf(expected.kind);

  for (int step = 1; step <= kNumSteps; ++step) {
    UpdateInOnePass(fused, options, {TrajectoryRate(step), step});
    UpdateByTensorOperations(split, options, {TrajectoryRate(step), step});
  }

  const at::Tensor error = (fused.values - split.values).abs() / (1 + fused.values.abs());
  EXPECT_LT(error.max().item<double>(), expected.tolerance);
}

std::ostream& operator<<(std::ostream& stream, const TrajectoryCase& trajectory) {
  return stream << trajectory.name;
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, TrajectoryTest,
    ::testing::Values(TrajectoryCase{"AdamWFloat64", OptimizerKind::kAdamW, at::kDouble,
                                     &goldens::kAdamWFloat64, 1e-14},
                      TrajectoryCase{"AdamWFloat32", OptimizerKind::kAdamW, at::kFloat,
                                     &goldens::kAdamWFloat32, 1e-6},
                      TrajectoryCase{"SgdFloat64", OptimizerKind::kSgd, at::kDouble,
                                     &goldens::kSgdFloat64, 1e-14},
                      TrajectoryCase{"SgdFloat32", OptimizerKind::kSgd, at::kFloat,
                                     &goldens::kSgdFloat32, 1e-6},
                      TrajectoryCase{"RmsPropFloat64", OptimizerKind::kRmsProp, at::kDouble,
                                     &goldens::kRmsPropFloat64, 1e-13},
                      TrajectoryCase{"RmsPropFloat32", OptimizerKind::kRmsProp, at::kFloat,
                                     &goldens::kRmsPropFloat32, 1e-6}),
    [](const auto& test) { return std::string(test.param.name); });

// A convolution's weight and bias, and a norm's scale with its running mean.
class SmallNetwork final : public Module {
 public:
  SmallNetwork() {
    AddTensor("conv.weight", at::sin(at::arange(8 * 3 * 3 * 3, at::kFloat)).view({8, 3, 3, 3}),
              TensorKind::kWeight);
    AddTensor("conv.bias", at::ones({5}), TensorKind::kBias);
    AddTensor("norm.weight", at::ones({8}), TensorKind::kNormWeight);
    AddTensor("norm.running_mean", at::zeros({8}), TensorKind::kBuffer);
  }
};

at::Tensor Named(const Module& module, const std::string& name) {
  for (const NamedTensor& entry : module.State()) {
    if (entry.name == name) return entry.tensor;
  }
  return {};
}

TEST(OptimizerTest, PackingKeepsValuesAndChannelsLastStrides) {
  SmallNetwork module;
  module.ToChannelsLast();
  const at::Tensor weight = Named(module, "conv.weight");
  const at::Tensor before = weight.detach().clone();

  const auto optimizer = MakeOptimizer(module, OptimizerOptions());

  EXPECT_TRUE(weight.equal(before));
  EXPECT_EQ(weight.strides(), before.strides());
  EXPECT_TRUE(weight.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(weight.requires_grad());
  EXPECT_TRUE(weight.is_leaf());
  EXPECT_TRUE(weight.storage().is_alias_of(optimizer->parameters().values().storage()));
}

TEST(OptimizerTest, BackwardThroughPackedParametersTrainsThem) {
  SmallNetwork module;
  module.ToChannelsLast();
  OptimizerOptions options;
  options.kind = OptimizerKind::kSgd;
  options.momentum = 0.0;
  options.weight_decay = 0.0;
  const auto optimizer = MakeOptimizer(module, options);
  const at::Tensor weight = Named(module, "conv.weight");
  const at::Tensor before = weight.detach().clone();

  (weight * weight).sum().backward();
  optimizer->CollectGradients();
  optimizer->Step(0.1);

  EXPECT_FALSE(weight.grad().defined());
  EXPECT_LT((weight.detach() - 0.8 * before).abs().max().item<float>(), 1e-6);
}

TEST(OptimizerTest, GradientInAnotherLayoutReachesTheRightElements) {
  SmallNetwork module;
  module.ToChannelsLast();
  OptimizerOptions options;
  options.kind = OptimizerKind::kSgd;
  options.momentum = 0.0;
  options.weight_decay = 0.0;
  const auto optimizer = MakeOptimizer(module, options);
  at::Tensor weight = Named(module, "conv.weight");
  const at::Tensor before = weight.detach().clone();
  const at::Tensor gradient = at::arange(8 * 27, at::kFloat).view({8, 3, 3, 3});

  weight.mutable_grad() = gradient.clone();
  optimizer->CollectGradients();
  optimizer->Step(1.0);

  EXPECT_TRUE(weight.detach().equal(before - gradient));
}

// Closed forms, with a gradient g that stays: after n steps of rate r plain momentum m has moved by
// r g sum_k (1 - m^k) / (1 - m), k from 1 to n; Nesterov's is one term further in the sum, less the
// first.
TEST(OptimizerTest, PlainMomentumAndNesterovsMoveByTheirClosedForms) {
  constexpr int kSteps = 7;
  constexpr double kRate = 0.01;
  constexpr double kMomentum = 0.9;
  for (const bool is_nesterov : {false, true}) {
    OptimizerOptions options;
    options.kind = OptimizerKind::kSgd;
    options.momentum = kMomentum;
    options.nesterov = is_nesterov;
    const at::Tensor gradient = at::arange(1, 100, at::kDouble);
    const auto make = [&gradient] {
      return UpdateTensors{at::zeros_like(gradient), gradient, at::zeros_like(gradient), {}, 0.0};
    };
    const UpdateTensors fused = make();
    const UpdateTensors split = make();
    double distance = 0;
    for (int step = 1; step <= kSteps; ++step) {
      UpdateInOnePass(fused, options, {kRate, step});
      UpdateByTensorOperations(split, options, {kRate, step});
      const int power = is_nesterov ? step + 1 : step;
      distance += kRate * (1 - std::pow(kMomentum, power)) / (1 - kMomentum);
    }

    const at::Tensor expected = gradient * -distance;
    EXPECT_LT((fused.values / expected - 1).abs().max().item<double>(), 1e-12) << is_nesterov;
    EXPECT_LT((split.values / expected - 1).abs().max().item<double>(), 1e-12) << is_nesterov;
  }
}

TEST(OptimizerTest, EverythingDecaysWhereAskedFor) {
  SmallNetwork module;
  OptimizerOptions options;
  options.kind = OptimizerKind::kSgd;
  options.momentum = 0;
  options.weight_decay = 0.5;
  options.decay_all = true;
  const auto optimizer = MakeOptimizer(module, options);
  const at::Tensor weight = Named(module, "conv.weight").detach().clone();

  optimizer->CollectGradients();  // none: all count as zero
  optimizer->Step(0.1);

  EXPECT_TRUE(at::allclose(Named(module, "conv.weight"), weight * 0.95));
  EXPECT_TRUE(at::allclose(Named(module, "conv.bias"), at::full({5}, 0.95)));
  EXPECT_TRUE(at::allclose(Named(module, "norm.weight"), at::full({8}, 0.95)));
  EXPECT_TRUE(at::equal(Named(module, "norm.running_mean"), at::zeros({8})));
}

TEST(OptimizerTest, OnlyWeightsDecay) {
  SmallNetwork module;
  OptimizerOptions options;
  options.weight_decay = 0.5;
  const auto optimizer = MakeOptimizer(module, options);
  const at::Tensor before = Named(module, "conv.weight").detach().clone();

  optimizer->CollectGradients();  // none: all count as zero
  optimizer->Step(0.1);

  EXPECT_TRUE(at::allclose(Named(module, "conv.weight").detach(), 0.95 * before));
  EXPECT_TRUE(Named(module, "conv.bias").detach().equal(at::ones({5})));
  EXPECT_TRUE(Named(module, "norm.weight").detach().equal(at::ones({8})));
}

TEST(OptimizerTest, GradientsOfSeveralBackwardsAddUp) {
  SmallNetwork module;
  const auto optimizer = MakeOptimizer(module, OptimizerOptions());
  const at::Tensor bias = Named(module, "conv.bias");

  bias.sum().backward();
  (2 * bias).sum().backward();
  optimizer->CollectGradients();

  EXPECT_NEAR(optimizer->GradientNorm().item<float>(), std::sqrt(5 * 9.0), 1e-6);
}

// By hand: the gradient of 5 elements of 3 has norm sqrt(45); clipping to 1 divides by that norm.
TEST(OptimizerTest, ClippingScalesTheWholeGradientAndReturnsItsNorm) {
  SmallNetwork module;
  const auto optimizer = MakeOptimizer(module, OptimizerOptions());
  (3 * Named(module, "conv.bias")).sum().backward();
  optimizer->CollectGradients();

  EXPECT_NEAR(optimizer->ClipGradients(1.0).item<float>(), std::sqrt(45.0), 1e-5);

  EXPECT_NEAR(optimizer->GradientNorm().item<float>(), 1.0, 1e-5);
  EXPECT_NEAR(optimizer->parameters().gradients().max().item<float>(), 3 / std::sqrt(45.0), 1e-5);
}

TEST(OptimizerTest, ClippingLeavesAShortGradientAsItIs) {
  SmallNetwork module;
  const auto optimizer = MakeOptimizer(module, OptimizerOptions());
  Named(module, "conv.bias").sum().backward();
  optimizer->CollectGradients();

  optimizer->ClipGradients(100.0);

  EXPECT_EQ(optimizer->parameters().gradients().max().item<float>(), 1.0F);
}

TEST(OptimizerTest, InfiniteAndUndefinedGradientsAreFound) {
  SmallNetwork module;
  const auto optimizer = MakeOptimizer(module, OptimizerOptions());
  const at::Tensor bias = Named(module, "conv.bias");
  for (const double factor :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()}) {
    (bias * factor).sum().backward();
    optimizer->CollectGradients();
    EXPECT_FALSE(optimizer->AreGradientsFinite().item<bool>()) << factor;
  }
  (bias * 1e30).sum().backward();
  optimizer->CollectGradients();
  EXPECT_TRUE(optimizer->AreGradientsFinite().item<bool>());
}

TEST(OptimizerTest, ScalingUndoesALossScaleExactly) {
  SmallNetwork module;
  const auto optimizer = MakeOptimizer(module, OptimizerOptions());
  (Named(module, "conv.bias") * 0.3 * 65536.0).sum().backward();
  optimizer->CollectGradients();

  optimizer->ScaleGradients(1.0 / 65536.0);

  EXPECT_EQ(optimizer->parameters().gradients().max().item<float>(), 0.3F);
}

class RestoreTest : public ::testing::TestWithParam<OptimizerKind> {};

TEST_P(RestoreTest, RestoredRunEqualsTheUninterruptedOneBitForBit) {
  const ThreeParameters straight(at::kFloat);
  const auto straight_optimizer = MakeOptimizer(straight, OptionsOf(GetParam()));
  TrainSteps(straight, *straight_optimizer, 1, kNumSteps);

  const ThreeParameters first(at::kFloat);
  const auto first_optimizer = MakeOptimizer(first, OptionsOf(GetParam()));
  TrainSteps(first, *first_optimizer, 1, 7);
  const ThreeParameters second(at::kFloat);
  const auto second_optimizer = MakeOptimizer(second, OptionsOf(GetParam()));
  const NamedTensors from = first.State();
  const NamedTensors to = second.State();
  for (size_t i = 0; i < to.size(); ++i) to[i].tensor.detach().copy_(from[i].tensor);
  ASSERT_OK(second_optimizer->Restore(first_optimizer->State()));
  TrainSteps(second, *second_optimizer, 8, kNumSteps);

  EXPECT_EQ(second.Values(), straight.Values());
  EXPECT_EQ(second_optimizer->num_steps(), kNumSteps);
}

INSTANTIATE_TEST_SUITE_P(AllKinds, RestoreTest,
                         ::testing::Values(OptimizerKind::kAdamW, OptimizerKind::kSgd,
                                           OptimizerKind::kRmsProp));

TEST(OptimizerTest, StateIsNamedAfterParametersWithTheirShapes) {
  SmallNetwork module;
  module.ToChannelsLast();

  const OptimizerState state = MakeOptimizer(module, OptimizerOptions())->State();

  ASSERT_EQ(state.tensors.size(), 6U);
  EXPECT_EQ(state.tensors.front().name, "first_moment.conv.weight");
  EXPECT_EQ(state.tensors.back().name, "second_moment.norm.weight");
  EXPECT_EQ(state.tensors.front().tensor.sizes(), at::IntArrayRef({8, 3, 3, 3}));
}

TEST(OptimizerTest, StateOfAnotherOptimizerIsRefused) {
  SmallNetwork module;
  const auto optimizer = MakeOptimizer(module, OptimizerOptions());
  SmallNetwork other;
  const auto sgd = MakeOptimizer(other, OptionsOf(OptimizerKind::kSgd));

  EXPECT_THAT(optimizer->Restore(sgd->State()),
              StatusIs(Code::kInvalidArgument, HasSubstr("lacks first_moment.")));
}

TEST(OptimizerTest, UnusableParametersAreRefused) {
  SmallNetwork module;
  NamedTensors twice = module.Parameters();
  twice.push_back(twice.front());
  EXPECT_THAT(Optimizer::Create(twice, OptimizerOptions()),
              StatusIs(Code::kInvalidArgument, HasSubstr("same name: conv.weight")));

  EXPECT_THAT(Optimizer::Create(module.State(), OptimizerOptions()),
              StatusIs(Code::kInvalidArgument, HasSubstr("norm.running_mean")));
  EXPECT_THAT(Optimizer::Create({}, OptimizerOptions()), HasCode(Code::kInvalidArgument));
}

TEST(OptimizerTest, OptionsOutOfRangeAreRefused) {
  SmallNetwork module;
  OptimizerOptions options;
  options.momentum = 1.0;
  EXPECT_THAT(Optimizer::Create(module.Parameters(), options),
              StatusIs(Code::kInvalidArgument, HasSubstr("momentum")));

  options = OptimizerOptions();
  options.weight_decay = -1;
  EXPECT_THAT(Optimizer::Create(module.Parameters(), options),
              StatusIs(Code::kInvalidArgument, HasSubstr("weight decay")));
}

// A parameter large enough that the work is split.
class LargeParameter final : public Module {
 public:
  LargeParameter() {
    AddTensor("weight", at::sin(at::arange(300'001, at::kFloat)), TensorKind::kWeight);
    AddTensor("bias", at::cos(at::arange(70'003, at::kFloat)), TensorKind::kBias);
  }
};

TEST(OptimizerTest, NumberOfThreadsChangesNothing) {
  const int num_threads_before = at::get_num_threads();
  std::vector<at::Tensor> results;
  for (const int num_threads : {1, 2}) {
    at::set_num_threads(num_threads);
    const LargeParameter module;
    const auto optimizer = MakeOptimizer(module, OptimizerOptions());
    for (int step = 0; step < 3; ++step) {
      for (const NamedTensor& parameter : module.Parameters()) {
        parameter.tensor.square().sum().backward();
      }
      optimizer->CollectGradients();
      optimizer->Step(0.01);
    }
    results.push_back(optimizer->parameters().values().clone());
  }
  at::set_num_threads(num_threads_before);

  EXPECT_TRUE(results[0].equal(results[1]));
}

}  // namespace
}  // namespace distill::core
