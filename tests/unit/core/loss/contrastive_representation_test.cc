#include "core/loss/contrastive_representation.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tests/matchers/status_matchers.h"
#include "tests/oracle/loss/goldens.h"
#include "tests/unit/core/loss/closed_form_inputs.h"

namespace distill::core {
namespace {

using testing::CosineWave;
using testing::GradientNorm;
using testing::SineWave;

constexpr int64_t kMemories = 10;
constexpr int64_t kNegatives = 6;

// The inputs of tests/oracle/loss/make_goldens.py, in float64.
class ContrastiveRepresentationTest : public ::testing::Test {
 protected:
  ContrastiveRepresentationTest() : term_(Options()) {
    const std::map<std::string, at::Tensor> values = {
        {"memory_student", 0.15 * SineWave({kMemories, 128}, 1, 0.17, 0.1)},
        {"memory_teacher", 0.15 * CosineWave({kMemories, 128}, 1, 0.19, 0.2)},
        {"normalizers", at::full({2}, -1.0, at::kDouble)},
        {"embed_student.weight", 0.3 * SineWave({128, 6}, 1, 0.11, 0.2)},
        {"embed_student.bias", 0.1 * SineWave({128}, 1, 0.3, 0.0)},
        {"embed_teacher.weight", 0.3 * CosineWave({128, 5}, 1, 0.13, 0.5)},
        {"embed_teacher.bias", 0.1 * CosineWave({128}, 1, 0.4, 0.0)}};
    for (NamedTensor& named : term_.State()) named.tensor.set_data(values.at(named.name));
    inputs_.student.embedding = SineWave({4, 6}, 1, 0.7, 0.1).requires_grad_();
    inputs_.teacher.embedding = CosineWave({4, 5}, 1, 0.5, 0.3);
    contrast_ = at::empty({4, kNegatives + 1}, at::kLong);
    const std::vector<int64_t> own = {2, 5, 7, 0};
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t y = own[static_cast<size_t>(i)];
      contrast_[i][0] = y;
      for (int64_t j = 0; j < kNegatives; ++j) {
        contrast_[i][j + 1] = (y + 1 + (i + j) % 9) % kMemories;
      }
    }
  }

  static ContrastiveRepresentation::Options Options() {
    ContrastiveRepresentation::Options options;
    options.student_embedding = 6;
    options.teacher_embedding = 5;
    for (int64_t i = 0; i < kMemories; ++i) options.image_classes.push_back(i % 5);
    options.num_negatives = kNegatives;
    return options;
  }

  at::Tensor StateOf(const std::string& name) const {
    for (const NamedTensor& named : term_.State()) {
      if (named.name == name) return named.tensor;
    }
    return {};
  }

  ContrastiveRepresentation term_;
  DistillationInputs inputs_;
  at::Tensor contrast_;
};

TEST_F(ContrastiveRepresentationTest, TwoBatchesEqualTheOraclesWithMemoryAndNormalisers) {
  const at::Tensor first = term_.Contrast(inputs_, contrast_);
  EXPECT_NEAR(first.item<double>(), goldens::kCrdFirst, 1e-9);
  EXPECT_NEAR(GradientNorm(first, inputs_.student.embedding), goldens::kCrdFirstGradientNorm, 1e-9);

  inputs_.student.embedding = inputs_.student.embedding.detach().clone().requires_grad_();
  const at::Tensor second = term_.Contrast(inputs_, contrast_);
  EXPECT_NEAR(second.item<double>(), goldens::kCrdSecond, 1e-9 * goldens::kCrdSecond);
  EXPECT_NEAR(GradientNorm(second, inputs_.student.embedding), goldens::kCrdSecondGradientNorm,
              1e-8);
}

TEST_F(ContrastiveRepresentationTest, OnlyTheBatchsEntriesFollowAndStayOfLengthOne) {
  const at::Tensor before = StateOf("memory_student").clone();

  term_.Contrast(inputs_, contrast_);

  const at::Tensor after = StateOf("memory_student");
  for (int64_t i = 0; i < kMemories; ++i) {
    const bool is_own = i == 0 || i == 2 || i == 5 || i == 7;
    EXPECT_EQ(at::equal(before[i], after[i]), !is_own) << i;
    if (is_own) {
      EXPECT_NEAR(after[i].norm().item<double>(), 1, 1e-12);
    }
  }
}

TEST_F(ContrastiveRepresentationTest, EvaluationLeavesTheMemoriesAlone) {
  const at::Tensor before = StateOf("memory_teacher").clone();
  term_.SetTraining(false);

  term_.Contrast(inputs_, contrast_);

  EXPECT_TRUE(at::equal(before, StateOf("memory_teacher")));
  EXPECT_EQ(StateOf("normalizers")[0].item<double>(), -1);
}

TEST_F(ContrastiveRepresentationTest, BothLinearLayersAreTrainedAndTheTeacherIsNot) {
  inputs_.teacher.embedding = inputs_.teacher.embedding.clone().requires_grad_();
  inputs_.indices = at::tensor({2, 5, 7, 0}, at::kLong);

  term_.Compute(inputs_).backward();

  EXPECT_FALSE(inputs_.teacher.embedding.grad().defined());
  for (const NamedTensor& named : term_.Parameters()) {
    EXPECT_TRUE(named.tensor.grad().defined()) << named.name;
  }
  EXPECT_EQ(term_.Parameters().size(), 4U);
}

TEST_F(ContrastiveRepresentationTest, WhatIsDrawnFollowsFromTheBatchsNumber) {
  term_.SetTraining(false);
  inputs_.indices = at::tensor({2, 5, 7, 0}, at::kLong);
  inputs_.draw = 1;
  const double first = term_.Compute(inputs_).item<double>();

  EXPECT_EQ(term_.Compute(inputs_).item<double>(), first);
  inputs_.draw = 2;
  EXPECT_NE(term_.Compute(inputs_).item<double>(), first);
}

TEST(CreateCrdTest, FreshOnesHaveFiniteLossesAndPyTorchsBounds) {
  ContrastiveRepresentation::Options options;
  options.student_embedding = 6;
  options.teacher_embedding = 5;
  options.image_classes = {0, 1, 2, 0, 1, 2};
  ContrastiveRepresentation term(options);
  DistillationInputs inputs;
  inputs.student.embedding = at::ones({2, 6});
  inputs.teacher.embedding = at::ones({2, 5});
  inputs.indices = at::tensor({4, 2}, at::kLong);

  EXPECT_TRUE(std::isfinite(term.Compute(inputs).item<double>()));
  for (const NamedTensor& named : term.Parameters()) {
    const double fan_in = named.name.rfind("embed_student", 0) == 0 ? 6 : 5;
    EXPECT_LE(named.tensor.abs().max().item<double>(), 1 / std::sqrt(fan_in)) << named.name;
    EXPECT_GT(named.tensor.abs().max().item<double>(), 0) << named.name;
  }
}

TEST(CreateCrdTest, NumbersOutOfRangeAndASingleClassAreRefused) {
  DistillationTermOptions options;
  options.method = DistillationMethod::kCrd;
  options.student.embedding = options.teacher.embedding = 4;
  options.image_classes = {0, 1};
  EXPECT_OK(CreateDistillationTerm(options));

  const auto refuses = [](const DistillationTermOptions& wrong) {
    return CreateDistillationTerm(wrong).status().code() == Code::kInvalidArgument;
  };
  DistillationTermOptions wrong = options;
  wrong.image_classes = {1, 1};
  EXPECT_TRUE(refuses(wrong));
  wrong = options;
  wrong.crd_negatives = 0;
  EXPECT_TRUE(refuses(wrong));
  wrong = options;
  wrong.crd_temperature = 0;
  EXPECT_TRUE(refuses(wrong));
  wrong = options;
  wrong.crd_momentum = 1;
  EXPECT_TRUE(refuses(wrong));
}

}  // namespace
}  // namespace distill::core
