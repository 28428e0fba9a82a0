// Twenty steps of training against PyTorch, which took them from the same weights and batches:
// tests/oracle/train/make_training_goldens.py.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "core/loss/soft_target.h"
#include "core/loss/task_loss.h"
#include "core/model/model.h"
#include "core/train/optimizer.h"
#include "core/train/weight_average.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/train/training_goldens.h"
#include "tests/unit/core/loss/closed_form_inputs.h"
#include "tests/unit/core/model/closed_form.h"

namespace distill::core {
namespace {

using testing::CosineWave;
using testing::FillByClosedForm;
using testing::SineWave;

constexpr int64_t kOracleClasses = 10;
constexpr int64_t kOracleImages = 6;
constexpr int64_t kOracleSide = 16;
constexpr int kOracleSteps = 20;

struct TrainingCase {
  const char* name;
  OptimizerKind kind;
  at::ScalarType type;
  double peak_rate;
  double tolerance;    // relative
  int compared_steps;  // in float32, other kernels' rounding grows from step to step
  const std::array<double, kOracleSteps + 5>& expected;
};

class TrainingOracleTest : public ::testing::TestWithParam<TrainingCase> {
 protected:
  void SetUp() override {
    auto model = CreateModel("resnet8", kOracleClasses);
    ASSERT_OK(model);
    model_ = std::move(model).value();
    for (NamedTensor& named : model_->State()) {
      if (!named.tensor.is_floating_point()) continue;
      const bool is_trained = named.kind != TensorKind::kBuffer;
      named.tensor.set_data(named.tensor.detach().to(GetParam().type));
      named.tensor.set_requires_grad(is_trained);
    }
    FillByClosedForm(*model_);
    OptimizerOptions options;
    options.kind = GetParam().kind;
    options.weight_decay = 0.05;
    auto optimizer = Optimizer::Create(model_->Parameters(), options);
    ASSERT_OK(optimizer);
    optimizer_ = std::move(optimizer).value();
    average_ = std::make_unique<WeightAverage>(*model_, WeightAverageOptions{0.99, 5});
  }

  double Step(int step) {
    const at::Tensor images =
        SineWave({kOracleImages, 3, kOracleSide, kOracleSide}, 2, 0.37, 0.9 * step)
            .to(GetParam().type);
    DistillationInputs inputs;
    inputs.student = model_->Forward(images, /*want_blocks=*/false);
    inputs.teacher.logits =
        CosineWave({kOracleImages, kOracleClasses}, 3, 0.5, 0.2 * step).to(GetParam().type);
    const at::Tensor labels =
        (at::arange(kOracleImages, at::kLong) * 3 + step).remainder(kOracleClasses);
    TaskLossOptions task;
    task.label_smoothing = 0.1;
    const at::Tensor loss = TaskLoss(inputs.student.logits, {labels, {}, 1.0}, {}, task) +
                            0.9 * SoftTarget(4).Compute(inputs);
    loss.backward();
    optimizer_->CollectGradients();
    optimizer_->ClipGradients(1.0);
    optimizer_->Step(GetParam().peak_rate * 0.5 * (1 + std::cos(M_PI * step / kOracleSteps)));
    average_->Update();
    return loss.item<double>();
  }

  static double SumOf(const NamedTensors& state, const std::string& wanted) {
    double sum = 0;
    for (const NamedTensor& named : state) {
      if (!named.tensor.is_floating_point()) continue;
      if (!wanted.empty() && named.name != wanted) continue;
      sum += named.tensor.to(at::kDouble).abs().sum().item<double>();
    }
    return sum;
  }

  void ExpectNear(double actual, size_t index) const {
    const double expected = GetParam().expected[index];
    EXPECT_NEAR(actual, expected, GetParam().tolerance * expected) << "figure " << index;
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<WeightAverage> average_;
};

TEST_P(TrainingOracleTest, TwentyStepsEqualPyTorchs) {
  for (int step = 0; step < GetParam().compared_steps; ++step) {
    ExpectNear(Step(step), static_cast<size_t>(step));
  }
  if (GetParam().compared_steps < kOracleSteps) return;

  ExpectNear(SumOf(model_->State(), "conv1.weight"), kOracleSteps);
  ExpectNear(SumOf(model_->State(), "fc.weight"), kOracleSteps + 1);
  ExpectNear(SumOf(model_->State(), "bn1.running_var"), kOracleSteps + 2);
  ExpectNear(SumOf(average_->State().tensors, "conv1.weight"), kOracleSteps + 3);
  ExpectNear(SumOf(model_->State(), ""), kOracleSteps + 4);
}

INSTANTIATE_TEST_SUITE_P(
    Of, TrainingOracleTest,
    ::testing::Values(TrainingCase{"AdamWFloat64", OptimizerKind::kAdamW, at::kDouble, 0.002, 1e-10,
                                   kOracleSteps, kAdamWTraining},
                      TrainingCase{"SgdFloat64", OptimizerKind::kSgd, at::kDouble, 0.02, 1e-10,
                                   kOracleSteps, kSgdTraining},
                      TrainingCase{"SgdFloat32", OptimizerKind::kSgd, at::kFloat, 0.02, 1e-5, 8,
                                   kSgdTrainingFloat32}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace distill::core
