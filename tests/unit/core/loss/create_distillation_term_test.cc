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
  const std::vector<DistillationMethod> of_blocks = {
      DistillationMethod::kMgd, DistillationMethod::kSp, DistillationMethod::kAt,
      DistillationMethod::kFitNet};
  const std::vector<DistillationMethod> others = {
      DistillationMethod::kSoftTarget, DistillationMethod::kDkd, DistillationMethod::kDist,
      DistillationMethod::kRkd, DistillationMethod::kPkt};
  for (const bool needs_blocks : {true, false}) {
    for (const DistillationMethod method : needs_blocks ? of_blocks : others) {
      const auto term = CreateDistillationTerm(OptionsOf(method));

      ASSERT_OK(term);
      EXPECT_EQ((*term)->name(), DistillationMethodName(method));
      EXPECT_EQ((*term)->needs_blocks(), needs_blocks) << (*term)->name();
      EXPECT_EQ((*term)->needs_labels(), method == DistillationMethod::kDkd) << (*term)->name();
    }
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

TEST(CreateDistillationTermTest,
     FitNetTakesBlockThreeByDefaultAndRegressesOntoTheTeachersChannels) {
  const auto term = CreateDistillationTerm(OptionsOf(DistillationMethod::kFitNet));

  ASSERT_OK(term);
  const NamedTensors parameters = (*term)->Parameters();
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_EQ(parameters.front().name, "block3.weight");
  EXPECT_EQ(parameters.front().tensor.sizes(), (std::vector<int64_t>{1024, 96, 1, 1}));
}

TEST(CreateDistillationTermTest, DkdRefusesTwoClasses) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kDkd);
  options.student.num_classes = options.teacher.num_classes = 2;

  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("at least 3 classes")));
}

TEST(CreateDistillationTermTest, TemperatureIsFourOfStandardisedLogitsTwoAndOneForDist) {
  DistillationInputs inputs;
  inputs.student.logits = testing::StudentLogits();
  inputs.teacher.logits = testing::TeacherLogits();
  inputs.labels = at::tensor({0, 2, 4, 1}, at::kLong);
  const auto loss = [&](DistillationMethod method, bool standardize,
                        std::optional<double> temperature) {
    DistillationTermOptions options = OptionsOf(method);
    options.standardize_logits = standardize;
    options.temperature = temperature;
    return CreateDistillationTerm(options).value()->Compute(inputs).item<double>();
  };
  const DistillationMethod soft_target = DistillationMethod::kSoftTarget;
  const DistillationMethod dkd = DistillationMethod::kDkd;
  const DistillationMethod dist = DistillationMethod::kDist;

  EXPECT_EQ(loss(soft_target, false, {}), loss(soft_target, false, 4.0));
  EXPECT_EQ(loss(soft_target, true, {}), loss(soft_target, true, 2.0));
  EXPECT_EQ(loss(dkd, false, {}), loss(dkd, false, 4.0));
  EXPECT_EQ(loss(dkd, true, {}), loss(dkd, true, 2.0));
  EXPECT_EQ(loss(dist, false, {}), loss(dist, false, 1.0));
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

TEST(CreateDistillationTermTest, StandardisedLogitsOfOneClassAreRefused) {
  DistillationTermOptions options = OptionsOf(DistillationMethod::kSoftTarget);
  options.standardize_logits = true;
  options.student.num_classes = options.teacher.num_classes = 1;
  EXPECT_THAT(CreateDistillationTerm(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("--standardize-logits")));
  options.student.num_classes = options.teacher.num_classes = 2;
  EXPECT_THAT(CreateDistillationTerm(options), IsOk());
}

}  // namespace
}  // namespace distill::core
