#include "core/eval/fidelity.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/unit/core/eval/teacher_files.h"

namespace distill::core {
namespace {

constexpr int64_t kClasses = 3;
constexpr int64_t kImages = 6;

class FidelityTest : public ::testing::Test {
 protected:
  TeacherEnsemble Load(const std::vector<TeacherOptions>& options) {
    auto ensemble = TeacherEnsemble::Load(options, EnsembleMode::kMeanProb, kClasses,
                                          testing::TeacherFiles::Normalization(), at::kCPU);
    EXPECT_OK(ensemble);
    return std::move(ensemble).value();
  }

  at::Tensor TeachersLogits(const TeacherEnsemble& ensemble) const {
    return ensemble.teachers()[0].Forward(images_, false).logits;
  }

  testing::TeacherFiles files_;
  const at::Tensor images_ = testing::TeacherFiles::Images(kImages);
  const at::Tensor labels_ = at::tensor({0, 1, 2, 0, 1, 2}, at::kLong);
};

TEST_F(FidelityTest, TheTeacherItselfAgreesWithItselfInAllImages) {
  const TeacherEnsemble ensemble = Load({files_.Make(kClasses, 1)});
  const at::Tensor logits = TeachersLogits(ensemble);
  Fidelity fidelity(ensemble, kClasses, at::kCPU);

  fidelity.Add(images_, 1, logits, labels_);
  const FidelityMetrics metrics = fidelity.Read();

  EXPECT_EQ(metrics.agreement, 1);
  EXPECT_NEAR(metrics.kl, 0, 1e-9);
  EXPECT_THAT(metrics.class_agreement, ::testing::Each(1.0));
  EXPECT_DOUBLE_EQ(metrics.teacher_accuracy,
                   logits.argmax(1).eq(labels_).to(at::kDouble).mean().item<double>());
}

TEST_F(FidelityTest, DivergenceOfAModelThatKnowsNothingIsWhatTheTeacherKnows) {
  const TeacherEnsemble ensemble = Load({files_.Make(kClasses, 1)});
  const at::Tensor p = TeachersLogits(ensemble).to(at::kDouble).softmax(1);
  Fidelity fidelity(ensemble, kClasses, at::kCPU);

  fidelity.Add(images_.narrow(0, 0, 2), 1, at::zeros({2, kClasses}), labels_.narrow(0, 0, 2));
  fidelity.Add(images_.narrow(0, 2, 4), 1, at::zeros({4, kClasses}), labels_.narrow(0, 2, 4));

  // KL(p || uniform) = log C - entropy of p.
  const double entropy = -(p * p.log()).sum(1).mean().item<double>();
  EXPECT_NEAR(fidelity.Read().kl, std::log(3.0) - entropy, 1e-6);
}

TEST_F(FidelityTest, SeveralTeachersAreTheMeanOfTheirProbabilities) {
  const TeacherEnsemble ensemble = Load({files_.Make(kClasses, 1), files_.Make(kClasses, 2)});
  const at::Tensor mean = (ensemble.teachers()[0].Forward(images_, false).logits.softmax(1) +
                           ensemble.teachers()[1].Forward(images_, false).logits.softmax(1)) /
                          2;
  Fidelity fidelity(ensemble, kClasses, at::kCPU);

  fidelity.Add(images_, 1, mean.log(), labels_);

  EXPECT_EQ(fidelity.Read().agreement, 1);
  EXPECT_NEAR(fidelity.Read().kl, 0, 1e-6);
}

TEST_F(FidelityTest, ClassesThatTheTeacherDoesNotKnowAreNotCompared) {
  TeacherOptions options = files_.Make(5, 1);
  options.class_outputs = {4, -1, 2};
  options.num_outputs = 5;
  const TeacherEnsemble ensemble = Load({options});
  const at::Tensor known = TeachersLogits(ensemble);
  const at::Tensor model =
      at::stack({known.select(1, 0), at::full({kImages}, -50.0F), known.select(1, 1)}, 1);
  Fidelity fidelity(ensemble, kClasses, at::kCPU);

  fidelity.Add(images_, 1, model, labels_);
  const FidelityMetrics metrics = fidelity.Read();

  EXPECT_NEAR(metrics.kl, 0, 1e-6);
  EXPECT_EQ(metrics.agreement, 1);
  EXPECT_EQ(metrics.class_recall[1], 0) << "it never says what it does not know";
}

TEST_F(FidelityTest, CropsOfAnImageAreAveraged) {
  const TeacherEnsemble ensemble = Load({files_.Make(kClasses, 1)});
  const at::Tensor logits = TeachersLogits(ensemble).view({kImages / 2, 2, kClasses}).mean(1);
  Fidelity fidelity(ensemble, kClasses, at::kCPU);

  fidelity.Add(images_, 2, logits, labels_.narrow(0, 0, kImages / 2));

  EXPECT_NEAR(fidelity.Read().kl, 0, 1e-9);
}

}  // namespace
}  // namespace distill::core
