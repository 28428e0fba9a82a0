// One step under autocast to bfloat16, against PyTorch's from the same weights and batch:
// tests/oracle/train/make_training_goldens.py.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/train/replica_group.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/train/training_goldens.h"
#include "tests/unit/core/loss/closed_form_inputs.h"
#include "tests/unit/core/model/closed_form.h"

namespace distill::core {
namespace {

constexpr int64_t kMixedClasses = 10;
constexpr int64_t kMixedImages = 6;
constexpr int64_t kMixedSide = 16;

struct StepSeen {
  double loss = 0;
  NamedTensors gradients;  // float64
};

StepSeen RunStep(AmpMode mode) {
  const auto model = CreateModel("resnet8", kMixedClasses).value();
  testing::FillByClosedForm(*model);
  TrainOptions options;
  options.loss.label_smoothing = 0.1;
  const at::Device cpu(at::kCPU);
  const auto objective = Objective::Create(options, {}, *model, cpu).value();
  MixedBatch batch;
  batch.images =
      testing::SineWave({kMixedImages, 3, kMixedSide, kMixedSide}, 2, 0.37, 0).to(at::kFloat);
  batch.labels = {(at::arange(kMixedImages, at::kLong) * 3).remainder(kMixedClasses), {}, 1.0};
  const ObjectiveValue value = ComputeGradients(*model, *objective, {batch, 1.0}, {mode, 1.0});
  EXPECT_EQ(value.total.scalar_type(), at::kFloat);
  StepSeen seen{value.total.item<double>(), {}};
  for (const NamedTensor& named : model->Parameters()) {
    EXPECT_EQ(named.tensor.scalar_type(), at::kFloat) << named.name;
    EXPECT_EQ(named.tensor.grad().scalar_type(), at::kFloat) << named.name;
    seen.gradients.push_back({named.name, named.tensor.grad().to(at::kDouble), named.kind});
  }
  return seen;
}

/// Returns the norm of the gradient of `name`, or of all where it is empty.
double NormOf(const NamedTensors& gradients, const std::string& name) {
  double sum = 0;
  for (const NamedTensor& named : gradients) {
    if (name.empty() || named.name == name) sum += named.tensor.square().sum().item<double>();
  }
  return std::sqrt(sum);
}

/// Expects the figures of a golden step, to `tolerance` of each.
void ExpectStep(const StepSeen& seen, const std::array<double, 6>& golden, double tolerance) {
  EXPECT_NEAR(seen.loss, golden[0], tolerance * golden[0]);
  const std::vector<std::string> names = {"", "conv1.weight", "layer2.0.conv1.weight", "bn1.weight",
                                          "fc.weight"};
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_NEAR(NormOf(seen.gradients, names[i]), golden[i + 1], tolerance * golden[i + 1])
        << names[i];
  }
}

TEST(MixedPrecisionTest, AStepInFloat32IsPyTorchs) {
  ExpectStep(RunStep(AmpMode::kOff), kFloat32Step, 1e-4);
}

TEST(MixedPrecisionTest, AStepInBfloat16IsPyTorchsUnderAutocast) {
  ExpectStep(RunStep(AmpMode::kBfloat16), kBfloat16Step, 1e-2);
}

TEST(MixedPrecisionTest, GradientsInBfloat16AreNearThoseOfFloat32AndNotTheSame) {
  const NamedTensors full = RunStep(AmpMode::kOff).gradients;
  const NamedTensors half = RunStep(AmpMode::kBfloat16).gradients;
  double product = 0;
  double last_difference = 0;
  for (size_t i = 0; i < full.size(); ++i) {
    product += (full[i].tensor * half[i].tensor).sum().item<double>();
    if (full[i].name == "fc.weight") {
      last_difference = (half[i].tensor - full[i].tensor).norm().item<double>();
    }
  }
  // A bfloat16 has 8 bits, each rounding is up to 2^-9. In the last layer few have met; in the
  // first ones batch norms of a few images have made more of them.
  const double relative = last_difference / NormOf(full, "fc.weight");
  EXPECT_LT(relative, 0.03);
  EXPECT_GT(relative, 1e-4);
  EXPECT_GT(product / (NormOf(full, "") * NormOf(half, "")), 0.95);
}

}  // namespace
}  // namespace distill::core
