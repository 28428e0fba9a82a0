#include "core/loss/ensemble.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/loss/soft_target.h"
#include "tests/unit/core/loss/term_inputs.h"

namespace distill::core {
namespace {

using testing::GradientNorm;
using testing::kPublishedTolerance;
using testing::LogitInputs;
using testing::StudentLogits;
using testing::TeacherLogits;

constexpr double kTemperature = 4;

// The second teacher of the published golden values.
at::Tensor SecondTeacherLogits() {
  return 2.5 * (0.9 * at::arange(20, at::kDouble) + 0.2).sin().view({4, 5});
}

struct EnsembleGolden {
  EnsembleMode mode;
  double loss;
  double gradient_norm;
};

TEST(EnsembleTest, DivergencesEqualThePublishedGoldenValues) {
  for (const EnsembleGolden& golden :
       {EnsembleGolden{EnsembleMode::kMeanProb, 1.485972271641, 0.381990590042},
        EnsembleGolden{EnsembleMode::kMeanLogit, 1.494361321613, 0.383408132126}}) {
    const at::Tensor student = StudentLogits().requires_grad_();
    const at::Tensor joint = EnsembleLogits({TeacherLogits(), SecondTeacherLogits()}, {0.5, 0.5},
                                            golden.mode, kTemperature);

    const at::Tensor loss = SoftTarget(kTemperature).Compute(LogitInputs(student, joint));

    EXPECT_NEAR(loss.item<double>(), golden.loss, kPublishedTolerance);
    EXPECT_NEAR(GradientNorm(loss, student), golden.gradient_norm, kPublishedTolerance);
  }
}

TEST(EnsembleTest, MeanOfDivergencesHasTheGradientOfMeanProbabilities) {
  const at::Tensor student = StudentLogits().requires_grad_();
  SoftTarget term(kTemperature);

  const at::Tensor loss = (term.Compute(LogitInputs(student, TeacherLogits())) +
                           term.Compute(LogitInputs(student, SecondTeacherLogits()))) /
                          2;

  EXPECT_NEAR(loss.item<double>(), 1.716671217268, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.381990590042, kPublishedTolerance);
}

TEST(EnsembleTest, WeightsChooseAmongTeachers) {
  const at::Tensor first = TeacherLogits();
  const at::Tensor second = SecondTeacherLogits();

  const at::Tensor joint =
      EnsembleLogits({first, second}, {0.25, 0.75}, EnsembleMode::kMeanProb, kTemperature);

  const at::Tensor expected =
      0.25 * (first / kTemperature).softmax(1) + 0.75 * (second / kTemperature).softmax(1);
  EXPECT_TRUE(at::allclose((joint / kTemperature).softmax(1), expected, 1e-12, 1e-15));
  EXPECT_TRUE(at::allclose(
      EnsembleLogits({first, second}, {0.25, 0.75}, EnsembleMode::kMeanLogit, kTemperature),
      0.25 * first + 0.75 * second, 1e-12, 1e-15));
}

TEST(EnsembleTest, OneTeacherIsItself) {
  const at::Tensor joint =
      EnsembleLogits({TeacherLogits()}, {1.0}, EnsembleMode::kMeanProb, kTemperature);

  // Up to a constant in each row, which no softmax sees.
  EXPECT_TRUE(at::allclose(joint - joint.mean(1, true),
                           TeacherLogits() - TeacherLogits().mean(1, true), 1e-12, 1e-12));
}

}  // namespace
}  // namespace distill::core
