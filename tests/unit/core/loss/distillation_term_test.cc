#include "core/loss/distillation_term.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "core/device/amp.h"
#include "core/loss/attention_transfer.h"
#include "core/loss/correlation_matching.h"
#include "core/loss/decoupled_distillation.h"
#include "core/loss/feature_hint.h"
#include "core/loss/masked_generation.h"
#include "core/loss/probabilistic_transfer.h"
#include "core/loss/relational_distillation.h"
#include "core/loss/similarity_preserving.h"
#include "core/loss/soft_target.h"
#include "tests/oracle/loss/goldens.h"
#include "tests/unit/core/loss/term_inputs.h"

namespace distill::core {
namespace {

using testing::BlockInputs;
using testing::Dist;
using testing::Dkd;
using testing::EmbeddingInputs;
using testing::GradientNorm;
using testing::kPublishedTolerance;
using testing::LargeTeacherFeatures;
using testing::OutputWithBlock;
using testing::Pooled;
using testing::StudentFeatures;
using testing::StudentLogits;
using testing::TeacherFeatures;
using testing::TeacherLogits;
using testing::TrueClasses;

TEST(RelationalDistillationTest, DistancesEqualThePublishedGoldenValue) {
  RelationalDistillation term({/*distance=*/1, /*angle=*/0});
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(EmbeddingInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.005084687178, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.005240291416, kPublishedTolerance);
}

TEST(RelationalDistillationTest, AnglesEqualThePublishedGoldenValue) {
  RelationalDistillation term({/*distance=*/0, /*angle=*/1});
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(EmbeddingInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.015424885639, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.013591588278, kPublishedTolerance);
}

TEST(RelationalDistillationTest, EqualEmbeddingsWithinABatchGiveFiniteGradients) {
  RelationalDistillation term({});
  const at::Tensor student = at::ones({4, 3, 4, 4}, at::kFloat).requires_grad_();

  const at::Tensor loss = term.Compute(EmbeddingInputs(student, TeacherFeatures().to(at::kFloat)));
  loss.backward();

  EXPECT_TRUE(at::isfinite(loss).item<bool>());
  EXPECT_TRUE(at::isfinite(student.grad()).all().item<bool>());
}

TEST(ProbabilisticTransferTest, EqualsThePublishedGoldenValue) {
  ProbabilisticTransfer term;
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(EmbeddingInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.114004357838, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.091071101463, kPublishedTolerance);
}

TEST(FeatureHintTest, EqualsThePublishedGoldenValue) {
  OutputShape student_shape;
  OutputShape teacher_shape;
  student_shape.blocks[3] = {3, 4, 4};
  teacher_shape.blocks[3] = {6, 4, 4};
  FeatureHint term({4}, student_shape, teacher_shape);
  for (const NamedTensor& parameter : term.Parameters()) {
    at::Tensor tensor = parameter.tensor;
    tensor.set_data(parameter.name == "block4.weight"
                        ? testing::SineWave({6, 3, 1, 1}, 0.1, 0.3, 0.0)
                        : at::zeros(tensor.sizes(), at::kDouble));
  }
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 2.042982158766, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.034912200144, kPublishedTolerance);
}

TEST(SimilarityPreservingTest, PaperFormEqualsThePublishedGoldenValue) {
  SimilarityPreserving term({4}, LossForm::kPaper);
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.221390990184, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.031663985459, kPublishedTolerance);
}

// Value from tests/oracle/loss/make_goldens.py.
TEST(SimilarityPreservingTest, ReferenceFormDividesRowsByTheirL1Norm) {
  SimilarityPreserving term({4}, LossForm::kReference);
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), goldens::kSimilarityL1, 1e-12);
  EXPECT_NEAR(GradientNorm(loss, student), goldens::kSimilarityL1Gradient, 1e-12);
}

TEST(SimilarityPreservingTest, ScaleOfEitherSideDoesNotMatter) {
  SimilarityPreserving term({4}, LossForm::kPaper);
  const double plain =
      term.Compute(BlockInputs(StudentFeatures(), TeacherFeatures())).item<double>();
  const double scaled =
      term.Compute(BlockInputs(StudentFeatures() * 1e5, TeacherFeatures() * 3e-7)).item<double>();

  EXPECT_NEAR(scaled, plain, 1e-14);
}

TEST(SimilarityPreservingTest, FeaturesWhoseSquaresOverflowGiveTheSameLoss) {
  SimilarityPreserving term({4}, LossForm::kPaper);
  const at::Tensor student = (StudentFeatures() * 1e30).to(at::kFloat);
  const at::Tensor teacher = (TeacherFeatures() * 1e25).to(at::kFloat);

  EXPECT_NEAR(term.Compute(BlockInputs(student, teacher)).item<float>(), 0.221390990184, 1e-6);
}

TEST(SimilarityPreservingTest, MemoryFormatDoesNotMatter) {
  SimilarityPreserving term({4}, LossForm::kPaper);
  const auto channels_last = at::MemoryFormat::ChannelsLast;
  const at::Tensor loss =
      term.Compute(BlockInputs(StudentFeatures().contiguous(channels_last), TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.221390990184, kPublishedTolerance);
}

TEST(SimilarityPreservingTest, DeadFeaturesGiveFiniteGradients) {
  SimilarityPreserving term({4}, LossForm::kPaper);
  const at::Tensor student = at::zeros({4, 3, 4, 4}, at::kFloat).requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, TeacherFeatures().to(at::kFloat)));
  loss.backward();

  EXPECT_TRUE(at::isfinite(loss).item<bool>());
  EXPECT_TRUE(at::isfinite(student.grad()).all().item<bool>());
}

TEST(AttentionTransferTest, ReferenceFormEqualsThePublishedGoldenValue) {
  AttentionTransfer term({4}, LossForm::kReference);
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.001764110308, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.002737456926, kPublishedTolerance);
}

TEST(AttentionTransferTest, PaperFormEqualsThePublishedGoldenValue) {
  AttentionTransfer term({4}, LossForm::kPaper);
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, TeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.164434636850, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.129021388812, kPublishedTolerance);
}

TEST(AttentionTransferTest, LargerMapIsAveragedDownToTheSmaller) {
  AttentionTransfer term({4}, LossForm::kReference);
  const at::Tensor student = StudentFeatures().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, LargeTeacherFeatures()));

  EXPECT_NEAR(loss.item<double>(), 0.022087786780, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.009481006575, kPublishedTolerance);
}

// A term for 3 student and 6 teacher channels in float64 with the golden values' weights.
std::unique_ptr<MaskedGeneration> GoldenGenerator() {
  MaskedGeneration::Options options;
  options.blocks = {4};
  options.student.blocks[3] = {3, 4, 4};
  options.teacher.blocks[3] = {6, 4, 4};
  auto term = std::make_unique<MaskedGeneration>(options);
  for (const NamedTensor& parameter : term->Parameters()) {
    at::Tensor tensor = parameter.tensor;
    tensor.set_data(at::zeros(tensor.sizes(), at::kDouble));
    at::Tensor value = tensor.detach();
    if (parameter.name == "block4.align.weight") {
      value.copy_(testing::SineWave({6, 3, 1, 1}, 0.1, 0.3, 0.0));
    } else if (parameter.name == "block4.generation.0.weight") {
      value.copy_(testing::CosineWave({6, 6, 3, 3}, 0.05, 0.2, 0.0));
    } else if (parameter.name == "block4.generation.2.weight") {
      value.copy_(testing::SineWave({6, 6, 3, 3}, 0.05, 0.17, 0.5));
    }
  }
  return term;
}

TEST(MaskedGenerationTest, EqualsThePublishedGoldenValueForAGivenMask) {
  const auto term = GoldenGenerator();
  const at::Tensor student = StudentFeatures().requires_grad_();
  const at::Tensor place = at::arange(4).view({4, 1}) + at::arange(6).view({1, 6});
  const at::Tensor mask = place.remainder(4).ne(0).to(at::kDouble).view({4, 6, 1, 1});

  const at::Tensor loss = term->BlockLoss(0, BlockInputs(student, TeacherFeatures()), mask);

  EXPECT_NEAR(loss.item<double>(), 186.300433680140, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), 0.032240171082, kPublishedTolerance);
}

TEST(MaskedGenerationTest, EvaluationMasksNothingAndAppliesAlpha) {
  const auto term = GoldenGenerator();
  term->SetTraining(false);
  const DistillationInputs inputs = BlockInputs(StudentFeatures(), TeacherFeatures());
  const at::Tensor nothing_masked = at::ones({4, 6, 1, 1}, at::kDouble);

  const double expected = 7e-5 * term->BlockLoss(0, inputs, nothing_masked).item<double>();

  EXPECT_NEAR(term->Compute(inputs).item<double>(), expected, 1e-12);
}

TEST(MaskedGenerationTest, TrainingDrawsAFreshMaskEachTime) {
  MaskedGeneration::Options options;
  options.blocks = {4};
  options.mask_ratio = 0.5;
  options.student.blocks[3] = {3, 4, 4};
  options.teacher.blocks[3] = {6, 4, 4};
  MaskedGeneration term(options);
  const DistillationInputs inputs =
      BlockInputs(StudentFeatures().to(at::kFloat), TeacherFeatures().to(at::kFloat));

  at::manual_seed(1);
  const double first = term.Compute(inputs).item<double>();
  const double second = term.Compute(inputs).item<double>();
  at::manual_seed(1);
  const double again = term.Compute(inputs).item<double>();

  EXPECT_NE(first, second);
  EXPECT_EQ(first, again);
}

TEST(MaskedGenerationTest, ParametersHaveTheirKindsAndPyTorchsBounds) {
  MaskedGeneration::Options options;
  options.blocks = {4};
  options.student.blocks[3] = {3, 4, 4};
  options.teacher.blocks[3] = {6, 4, 4};
  const MaskedGeneration term(options);
  const NamedTensors parameters = term.Parameters();

  ASSERT_EQ(parameters.size(), 6U);
  for (const NamedTensor& parameter : parameters) {
    const bool is_bias = parameter.name.find(".bias") != std::string::npos;
    EXPECT_EQ(parameter.kind, is_bias ? TensorKind::kBias : TensorKind::kWeight) << parameter.name;
    const double fan_in = parameter.name.find("align") != std::string::npos ? 3 : 6 * 9;
    EXPECT_LE(parameter.tensor.abs().max().item<double>(), 1 / std::sqrt(fan_in) + 1e-7);
    EXPECT_GT(parameter.tensor.abs().max().item<double>(), 0.0);
  }
}

TEST(MaskedGenerationTest, EqualChannelCountsNeedNoAlignment) {
  MaskedGeneration::Options options;
  options.blocks = {4};
  options.student.blocks[3] = {6, 4, 4};
  options.teacher.blocks[3] = {6, 4, 4};

  EXPECT_EQ(MaskedGeneration(options).Parameters().size(), 4U);
}

// One of every method, over block 4, with what it is to be tried on.
struct TermCase {
  const char* name;
  std::function<std::unique_ptr<DistillationTerm>()> make;
  /// How near to zero it comes where both networks say the same: some forms add a small number.
  double zero = 1e-14;
};

std::ostream& operator<<(std::ostream& stream, const TermCase& term) { return stream << term.name; }

template <typename Term>
std::unique_ptr<DistillationTerm> OverBlock4(LossForm form) {
  return std::make_unique<Term>(std::vector<int>{4}, form);
}

std::vector<TermCase> FreeTerms() {
  return {
      {"SoftTarget", [] { return std::make_unique<SoftTarget>(4.0); }},
      {"Standardised", [] { return std::make_unique<SoftTarget>(2.0, /*standardize=*/true); }},
      {"Dkd", [] { return Dkd(4, 1, 8); }},
      {"Dist", [] { return Dist(1, 1, 1); }, 1e-6},
      {"Rkd",
       [] {
         return std::make_unique<RelationalDistillation>(RelationalDistillation::Options{1, 1});
       }},
      {"Pkt", [] { return std::make_unique<ProbabilisticTransfer>(); }, 1e-6},
      {"SpPaper", [] { return OverBlock4<SimilarityPreserving>(LossForm::kPaper); }},
      {"SpReference", [] { return OverBlock4<SimilarityPreserving>(LossForm::kReference); }},
      {"AtPaper", [] { return OverBlock4<AttentionTransfer>(LossForm::kPaper); }},
      {"AtReference", [] { return OverBlock4<AttentionTransfer>(LossForm::kReference); }},
  };
}

ModelOutput Outputs(const at::Tensor& logits, const at::Tensor& features) {
  ModelOutput output = OutputWithBlock(4, features);
  output.logits = logits;
  output.embedding = Pooled(features);
  return output;
}

class DistillationTermTest : public ::testing::TestWithParam<TermCase> {};

TEST_P(DistillationTermTest, IsZeroWithZeroGradientWhereStudentEqualsTeacher) {
  const auto term = GetParam().make();
  const at::Tensor logits = StudentLogits().requires_grad_();
  const at::Tensor features = StudentFeatures().requires_grad_();
  const ModelOutput teacher = Outputs(StudentLogits(), StudentFeatures());

  const at::Tensor loss = term->Compute({Outputs(logits, features), teacher, TrueClasses()});
  loss.backward();

  EXPECT_NEAR(loss.item<double>(), 0.0, GetParam().zero);
  const at::Tensor& leaf = features.grad().defined() ? features : logits;
  EXPECT_NEAR(leaf.grad().norm().item<double>(), 0.0, GetParam().zero);
}

TEST_P(DistillationTermTest, GradientNeverReachesTheTeacher) {
  const auto term = GetParam().make();
  const at::Tensor student_logits = StudentLogits().requires_grad_();
  const at::Tensor student_features = StudentFeatures().requires_grad_();
  const at::Tensor teacher_logits = TeacherLogits().requires_grad_();
  const at::Tensor teacher_features = TeacherFeatures().requires_grad_();

  term->Compute({Outputs(student_logits, student_features),
                 Outputs(teacher_logits, teacher_features), TrueClasses()})
      .backward();

  EXPECT_FALSE(teacher_logits.grad().defined());
  EXPECT_FALSE(teacher_features.grad().defined());
}

TEST_P(DistillationTermTest, OrderOfTheBatchDoesNotMatter) {
  const auto term = GetParam().make();
  const at::Tensor order = at::tensor({2, 0, 3, 1}, at::kLong);
  const auto shuffled = [&order](const at::Tensor& tensor) {
    return tensor.index_select(0, order);
  };

  const double plain = term->Compute({Outputs(StudentLogits(), StudentFeatures()),
                                      Outputs(TeacherLogits(), TeacherFeatures()), TrueClasses()})
                           .item<double>();
  const double mixed =
      term->Compute({Outputs(shuffled(StudentLogits()), shuffled(StudentFeatures())),
                     Outputs(shuffled(TeacherLogits()), shuffled(TeacherFeatures())),
                     shuffled(TrueClasses())})
          .item<double>();

  EXPECT_NEAR(mixed, plain, 1e-14);
}

TEST_P(DistillationTermTest, HalfInputsGiveTheFloat32LossOfTheirValues) {
  const auto term = GetParam().make();
  const ModelOutput student =
      Outputs(StudentLogits().to(at::kBFloat16), StudentFeatures().to(at::kBFloat16));
  const ModelOutput teacher =
      Outputs(TeacherLogits().to(at::kBFloat16), TeacherFeatures().to(at::kBFloat16));
  const auto lifted = [](const ModelOutput& output) {
    ModelOutput in_float32 = OutputWithBlock(4, output.blocks[3].to(at::kFloat));
    in_float32.logits = output.logits.to(at::kFloat);
    in_float32.embedding = output.embedding.to(at::kFloat);
    return in_float32;
  };

  const at::Tensor loss = term->Compute({student, teacher, TrueClasses()});

  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(loss.item<float>(),
            term->Compute({lifted(student), lifted(teacher), TrueClasses()}).item<float>());
}

TEST_P(DistillationTermTest, AutocastChangesNothing) {
  const auto term = GetParam().make();
  const auto in_float32 = [](const at::Tensor& logits, const at::Tensor& features) {
    return Outputs(logits.to(at::kFloat), features.to(at::kFloat));
  };
  const DistillationInputs inputs{in_float32(StudentLogits(), StudentFeatures()),
                                  in_float32(TeacherLogits(), TeacherFeatures()), TrueClasses()};
  const float plain = term->Compute(inputs).item<float>();

  const AutocastScope autocast(at::kCPU, AmpMode::kBfloat16);
  const at::Tensor loss = term->Compute(inputs);

  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(loss.item<float>(), plain);
}

INSTANTIATE_TEST_SUITE_P(AllMethods, DistillationTermTest, ::testing::ValuesIn(FreeTerms()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(DistillationTermTest, GradientOfMgdReachesGeneratorAndStudentButNotTheTeacher) {
  const auto term = GoldenGenerator();
  const at::Tensor student = StudentFeatures().requires_grad_();
  const at::Tensor teacher = TeacherFeatures().requires_grad_();

  term->Compute(BlockInputs(student, teacher)).backward();

  EXPECT_TRUE(student.grad().defined());
  EXPECT_FALSE(teacher.grad().defined());
  for (const NamedTensor& parameter : term->Parameters()) {
    EXPECT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
  }
}

TEST(DistillationTermTest, SeveralBlocksAddUp) {
  SimilarityPreserving both({3, 4}, LossForm::kPaper);
  SimilarityPreserving third({3}, LossForm::kPaper);
  SimilarityPreserving fourth({4}, LossForm::kPaper);
  DistillationInputs inputs = BlockInputs(StudentFeatures(), TeacherFeatures());
  inputs.student.blocks[2] = TeacherFeatures();
  inputs.teacher.blocks[2] = LargeTeacherFeatures();

  const double sum = third.Compute(inputs).item<double>() + fourth.Compute(inputs).item<double>();

  EXPECT_NEAR(both.Compute(inputs).item<double>(), sum, 1e-14);
}

}  // namespace
}  // namespace distill::core
