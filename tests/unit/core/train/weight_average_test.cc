#include "core/train/weight_average.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/model/module.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/train/schedule_goldens.h"

namespace distill::core {
namespace {

using distill::testing::HasCode;
using distill::testing::IsOk;

class NetworkWithBuffers final : public Module {
 public:
  NetworkWithBuffers() {
    AddTensor("weight", at::zeros({4, 2, 3, 3}), TensorKind::kWeight);
    AddTensor("running_mean", at::zeros({4}), TensorKind::kBuffer);
    AddTensor("num_batches_tracked", at::zeros({}, at::kLong), TensorKind::kBuffer);
  }

  void Fill(double weight, double mean, int64_t count) const {
    const NamedTensors state = State();
    state[0].tensor.detach().fill_(weight);
    state[1].tensor.fill_(mean);
    state[2].tensor.fill_(count);
  }

  float weight() const { return State()[0].tensor.detach().flatten()[0].item<float>(); }
  float mean() const { return State()[1].tensor[0].item<float>(); }
  int64_t count() const { return State()[2].tensor.item<int64_t>(); }
};

// For a module that jumps from 0 to 1 and stays there the average after n updates is
// 1 - prod_{i <= n} d_i with d_i = decay * (1 - exp(-i / ramp)).
TEST(WeightAverageTest, FollowsAJumpAsItsClosedForm) {
  NetworkWithBuffers module;
  WeightAverageOptions options;
  options.decay = 0.9;
  options.ramp_updates = 5;
  WeightAverage average(module, options);
  module.Fill(1.0, 2.0, 7);
  double rest = 1.0;

  for (int i = 1; i <= 10; ++i) {
    average.Update();
    rest *= 0.9 * (1 - std::exp(-i / 5.0));
  }

  NetworkWithBuffers target;
  average.CopyTo(target);
  EXPECT_NEAR(target.weight(), 1 - rest, 1e-6);
  EXPECT_NEAR(target.mean(), 2 * (1 - rest), 1e-6);
  EXPECT_EQ(target.count(), 7);
  EXPECT_EQ(average.num_updates(), 10);
}

class OneWeight final : public Module {
 public:
  OneWeight() { AddTensor("weight", at::zeros({1}, at::kDouble), TensorKind::kWeight); }
  at::Tensor weight() const { return State()[0].tensor.detach(); }
};

// Values of torch.optim.swa_utils.AveragedModel, see tests/oracle/train/make_schedule_goldens.py.
TEST(WeightAverageTest, FollowsMovingWeightsAsPyTorchsAverage) {
  OneWeight module;
  WeightAverage average(module, WeightAverageOptions{0.99, 5});
  for (size_t i = 0; i < kAveragesOfASine.size(); ++i) {
    module.weight().fill_(std::sin(static_cast<double>(i + 1)));
    average.Update();
    EXPECT_NEAR(average.State().tensors[0].tensor.item<double>(), kAveragesOfASine.at(i), 1e-10)
        << "update " << i + 1;
  }
}

TEST(WeightAverageTest, LeavesTheModuleAlone) {
  NetworkWithBuffers module;
  WeightAverage average(module, WeightAverageOptions());
  module.Fill(1.0, 2.0, 7);

  average.Update();

  EXPECT_EQ(module.weight(), 1.0F);
  EXPECT_TRUE(module.Parameters().front().tensor.requires_grad());
}

TEST(WeightAverageTest, KeepsChannelsLast) {
  NetworkWithBuffers module;
  module.ToChannelsLast();
  const at::Tensor weight = module.State().front().tensor;
  weight.detach().copy_(at::arange(72, at::kFloat).view({4, 2, 3, 3}));
  WeightAverageOptions options;
  options.decay = 0.0;  // the average is the module itself
  WeightAverage average(module, options);
  weight.detach().mul_(2);

  average.Update();

  EXPECT_TRUE(average.State().tensors.front().tensor.equal(weight.detach()));
}

TEST(WeightAverageTest, RestoredAverageGoesOnBitForBit) {
  NetworkWithBuffers module;
  WeightAverage straight(module, WeightAverageOptions());
  module.Fill(0.3, 0.7, 1);
  for (int i = 0; i < 5; ++i) straight.Update();
  WeightAverage resumed(module, WeightAverageOptions());
  ASSERT_OK(resumed.Restore(straight.State()));

  module.Fill(0.9, 0.1, 2);
  straight.Update();
  resumed.Update();

  NetworkWithBuffers first;
  NetworkWithBuffers second;
  straight.CopyTo(first);
  resumed.CopyTo(second);
  EXPECT_EQ(first.weight(), second.weight());
  EXPECT_EQ(first.mean(), second.mean());
  EXPECT_EQ(resumed.num_updates(), 6);
}

TEST(WeightAverageTest, StateOfAnotherModuleIsRefused) {
  NetworkWithBuffers module;
  WeightAverage average(module, WeightAverageOptions());

  EXPECT_THAT(average.Restore(WeightAverageState()), HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::core
