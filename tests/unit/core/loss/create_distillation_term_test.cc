#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/loss/distillation_term.h"
#include "tests/matchers/status_matchers.h"
#include "tests/unit/core/loss/closed_form_inputs.h"

namespace distill::core {
namespace {

using distill::testing::IsOk;
using distill::testing::StatusIs;
using ::testing::HasSubstr;

// mobilenetv2 as the student of resnet50 at 224x224 with 10 classes.
DistillationTermOptions OptionsOf(DistillationMethod method) {
  DistillationTermOptions options;
  options.method = method;
  options.student.num_classes = 10;
  options.student.blocks = {{{24, 56, 56}, {32, 28, 28}, {96, 14, 14}, {1280, 7, 7}}};
  options.teacher.num_classes = 10;
  options.teacher.blocks = {{{256, 56, 56}, {512, 28, 28}, {1024, 14, 14}, {8, 7, 7}}};
  return options;
}

TEST(CreateDistillationTermTest, MakesEveryMethodUnderItsName) {
  for (const auto method : {DistillationMethod::kSoftTarget, DistillationMethod::kMgd,
                            DistillationMethod::kSp, DistillationMethod::kAt}) {
    const auto term = CreateDistillationTerm(OptionsOf(method));

    ASSERT_OK(term);
    EXPECT_EQ((*term)->name(), DistillationMethodName(method));
    EXPECT_EQ((*term)->needs_blocks(), method != DistillationMethod::kSoftTarget);
  }
}

TEST(CreateDistillationTermTest, MgdTakesBlockFourByDefault) {
  const auto term = CreateDistillationTerm(OptionsOf(DistillationMethod::kMgd));

  ASSERT_OK(term);
  EXPECT_EQ((*term)->Parameters().front().name, "block4.align.weight");
}

TEST(CreateDistillationTermTest, SpTakesBlocksThreeAndFourInThePapersFormByDefault) {
  const auto by_default = CreateDistillationTerm(OptionsOf(DistillationMethod::kSp));
  DistillationTermOptions options = OptionsOf(DistillationMethod::kSp);
  options.blocks = {3, 4};
  options.form = LossForm::kPaper;
  const auto by_name = CreateDistillationTerm(options);
  DistillationInputs inputs;
  inputs.student.blocks[2] = testing::StudentFeatures();
  inputs.student.blocks[3] = testing::TeacherFeatures();
  inputs.teacher.blocks[2] = testing::TeacherFeatures();
  inputs.teacher.blocks[3] = testing::LargeTeacherFeatures();

  ASSERT_OK(by_default);
  ASSERT_OK(by_name);
  EXPECT_EQ((*by_default)->Compute(inputs).item<double>(),
            (*by_name)->Compute(inputs).item<double>());
}

TEST(CreateDistillationTermTest, BlockOutsideOneToFourIsRefused) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kAt);
  options.blocks = {5};

  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("not 5")));
}

TEST(CreateDistillationTermTest, BlockNamedTwiceIsRefused) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kAt);
  options.blocks = {3, 3};

  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("named twice: 3")));
}

TEST(CreateDistillationTermTest, BlockThatANetworkLacksIsRefusedWithTheRemedy) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kSp);
  options.student.blocks[3] = {};

  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("use a multiple of 32) the student has no block 4")));
}

TEST(CreateDistillationTermTest, MgdRefusesMapsOfDifferentSize) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kMgd);
  options.teacher.blocks[3] = {2048, 14, 14};

  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("7x7 and 14x14")));
}

TEST(CreateDistillationTermTest, SoftTargetRefusesOtherClassCounts) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kSoftTarget);
  options.teacher.num_classes = 1000;

  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("10 and 1000")));
}

TEST(CreateDistillationTermTest, NumbersOutOfRangeAreRefused) {
  DistillationTermOptions cold = OptionsOf(DistillationMethod::kSoftTarget);
  cold.temperature = 0;
  EXPECT_THAT(CreateDistillationTerm(cold),
              StatusIs(Code::kInvalidArgument, HasSubstr("temperature")));

  DistillationTermOptions masked = OptionsOf(DistillationMethod::kMgd);
  masked.mask_ratio = 1;
  EXPECT_THAT(CreateDistillationTerm(masked),
              StatusIs(Code::kInvalidArgument, HasSubstr("mask ratio")));

  DistillationTermOptions heavy = OptionsOf(DistillationMethod::kSp);
  heavy.weight = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(CreateDistillationTerm(heavy), StatusIs(Code::kInvalidArgument, HasSubstr("weight")));
}

TEST(CreateDistillationTermTest, ShapesComeFromADryRun) {
  ModelOutput output;
  output.logits = at::zeros({2, 7});
  output.blocks[1] = at::zeros({2, 32, 28, 14});

  const OutputShape shape = OutputShapeOf(output);

  EXPECT_EQ(shape.num_classes, 7);
  EXPECT_EQ(shape.blocks[1].channels, 32);
  EXPECT_EQ(shape.blocks[1].height, 28);
  EXPECT_EQ(shape.blocks[1].width, 14);
  EXPECT_EQ(shape.blocks[0].channels, 0);
}

// The reference's rule, worked out by hand.
TEST(CreateDistillationTermTest, WeightFollowsTheReferencesRatio) {
  EXPECT_NEAR(EffectiveWeight(DistillationMethod::kMgd, {}, 0.7), 7.0 / 3.0, 1e-12);
  EXPECT_NEAR(EffectiveWeight(DistillationMethod::kSoftTarget, {}, 0.2), 0.25, 1e-12);
  EXPECT_EQ(EffectiveWeight(DistillationMethod::kSp, {}, 10.0), 10.0);
  EXPECT_EQ(EffectiveWeight(DistillationMethod::kSp, {}, 1.0), 1.0);
  EXPECT_EQ(EffectiveWeight(DistillationMethod::kAt, {}, 100.0), 100.0);
  EXPECT_EQ(EffectiveWeight(DistillationMethod::kAt, {}, 0.5), 0.5);
  EXPECT_EQ(EffectiveWeight(DistillationMethod::kMgd, 3.0, 0.7), 3.0);
}

}  // namespace
}  // namespace distill::core
