#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "core/loss/correlation_matching.h"
#include "core/loss/decoupled_distillation.h"
#include "core/loss/soft_target.h"
#include "tests/unit/core/loss/term_inputs.h"

// The terms that compare logits.

namespace distill::core {
namespace {

using testing::Dist;
using testing::Dkd;
using testing::GradientNorm;
using testing::kPublishedTolerance;
using testing::LogitInputs;
using testing::StudentLogits;
using testing::TeacherLogits;
using testing::TrueClasses;

struct SoftTargetCase {
  double temperature;
  double loss;
  double gradient_norm;
};

class SoftTargetTest : public ::testing::TestWithParam<SoftTargetCase> {};

TEST_P(SoftTargetTest, EqualsThePublishedGoldenValue) {
  const SoftTargetCase& expected = GetParam();
  SoftTarget term(expected.temperature);
  const at::Tensor student = StudentLogits().requires_grad_();

  const at::Tensor loss = term.Compute(LogitInputs(student, TeacherLogits()));

  EXPECT_NEAR(loss.item<double>(), expected.loss, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), expected.gradient_norm, kPublishedTolerance);
}

INSTANTIATE_TEST_SUITE_P(Temperatures, SoftTargetTest,
                         ::testing::Values(SoftTargetCase{1, 1.055181218999, 0.311000759942},
                                           SoftTargetCase{2, 1.288175430553, 0.358711006332},
                                           SoftTargetCase{4, 1.342623595170, 0.368035727779},
                                           SoftTargetCase{20, 1.328038505602, 0.364945911225}));

// As T grows, T^2 * KL tends to the mean over images of ||z_s - z_t||^2 / (2 C), both centred.
TEST(SoftTargetTest, HighTemperatureTendsToTheSquaredDistanceOfCentredLogits) {
  SoftTarget term(/*temperature=*/1e4);
  const at::Tensor student = StudentLogits();
  const at::Tensor teacher = TeacherLogits();
  const at::Tensor difference =
      (student - student.mean(1, true)) - (teacher - teacher.mean(1, true));
  const double limit = difference.square().sum(1).mean().item<double>() / (2.0 * 5);

  EXPECT_NEAR(term.Compute(LogitInputs(student, teacher)).item<double>(), limit, 1e-4);
}

// A published golden value of a term of the logits.
struct LogitCase {
  const char* name;
  std::function<std::unique_ptr<DistillationTerm>()> make;
  double loss;
  double gradient_norm;
};

std::ostream& operator<<(std::ostream& stream, const LogitCase& test) {
  return stream << test.name;
}

class LogitTermTest : public ::testing::TestWithParam<LogitCase> {};

TEST_P(LogitTermTest, EqualsThePublishedGoldenValue) {
  const at::Tensor student = StudentLogits().requires_grad_();

  const at::Tensor loss = GetParam().make()->Compute(LogitInputs(student, TeacherLogits()));

  EXPECT_NEAR(loss.item<double>(), GetParam().loss, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), GetParam().gradient_norm, kPublishedTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Methods, LogitTermTest,
    ::testing::Values(
        LogitCase{"Tckd1", [] { return Dkd(1, 1, 0); }, 0.327820692297, 0.164804654665},
        LogitCase{"Nckd1", [] { return Dkd(1, 0, 1); }, 0.944886450272, 0.321233267027},
        LogitCase{"Tckd4", [] { return Dkd(4, 1, 0); }, 0.466491884797, 0.212052020902},
        LogitCase{"Nckd4", [] { return Dkd(4, 0, 1); }, 1.140061139614, 0.378466155851},
        LogitCase{"Dkd", [] { return Dkd(4, 1, 8); }, 9.586981001709, 3.044778777649},
        LogitCase{"Inter1", [] { return Dist(1, 1, 0); }, 0.868056323020, 0.199807282421},
        LogitCase{"Intra1", [] { return Dist(1, 0, 1); }, 1.095518314791, 0.246085172394},
        LogitCase{"Inter4", [] { return Dist(4, 1, 0); }, 0.868946347636, 0.199429259578},
        LogitCase{"Intra4", [] { return Dist(4, 0, 1); }, 1.060876483335, 0.189809337847},
        LogitCase{"Standardised", [] { return std::make_unique<SoftTarget>(2.0, true); },
                  0.706459514557, 0.152531579845}),
    [](const auto& test) { return std::string(test.param.name); });

// KL = TCKD + (1 - p_t,y) NCKD, image by image.
TEST(DecoupledDistillationTest, PartsMakeUpTheDivergenceOfSoftTarget) {
  const double temperature = 4;
  const at::Tensor probability = at::softmax(TeacherLogits() / temperature, 1);
  double sum = 0;
  for (int64_t n = 0; n < 4; ++n) {
    DistillationInputs inputs =
        LogitInputs(StudentLogits().narrow(0, n, 1), TeacherLogits().narrow(0, n, 1));
    inputs.labels = TrueClasses().narrow(0, n, 1);
    const double of_others = 1 - probability[n][TrueClasses()[n].item<int64_t>()].item<double>();
    sum += Dkd(temperature, 1, of_others)->Compute(inputs).item<double>();
  }

  SoftTarget whole(temperature);
  EXPECT_NEAR(sum / 4, whole.Compute(LogitInputs(StudentLogits(), TeacherLogits())).item<double>(),
              1e-12);
}

TEST(DecoupledDistillationTest, ConfidentStudentInFloat32GivesAFiniteLossAndGradient) {
  const at::Tensor student = (StudentLogits() * 200).to(at::kFloat).requires_grad_();

  const at::Tensor loss =
      Dkd(1, 1, 8)->Compute(LogitInputs(student, (TeacherLogits() * 200).to(at::kFloat)));
  loss.backward();

  EXPECT_TRUE(at::isfinite(loss).item<bool>());
  EXPECT_TRUE(at::isfinite(student.grad()).all().item<bool>());
}

TEST(CorrelationMatchingTest, ReferenceFormIsThePapersTimesTheSquareOfTheTemperature) {
  const DistillationInputs inputs = LogitInputs(StudentLogits(), TeacherLogits());
  CorrelationMatching reference({4, 1, 1, LossForm::kReference});

  EXPECT_NEAR(reference.Compute(inputs).item<double>(),
              16 * Dist(4, 1, 1)->Compute(inputs).item<double>(), 1e-12);
}

TEST(CorrelationMatchingTest, IntraTermOfOneImageIsOne) {
  const DistillationInputs inputs =
      LogitInputs(StudentLogits().narrow(0, 0, 1), TeacherLogits().narrow(0, 0, 1));

  EXPECT_NEAR(Dist(1, 0, 1)->Compute(inputs).item<double>(), 1.0, 1e-12);
}

TEST(SoftTargetTest, StandardisedLogitsMakeScaleAndOffsetOfALogitRowIrrelevant) {
  SoftTarget term(2.0, /*standardize=*/true);
  const double plain = term.Compute(LogitInputs(StudentLogits(), TeacherLogits())).item<double>();
  const double moved =
      term.Compute(LogitInputs(StudentLogits() * 3 + 7, TeacherLogits() * 0.5 - 2)).item<double>();

  EXPECT_NEAR(moved, plain, 1e-6);
}

}  // namespace
}  // namespace distill::core
