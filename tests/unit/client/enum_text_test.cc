#include "client/enum_text.h"

#include <gmock/gmock.h>

#include "distill/v1/eval.pb.h"
#include "distill/v1/train.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(EnumTextTest, EverySpellingOfAValueIsUnderstood) {
  for (const char* text : {"soft-target", "SoftTarget", "SOFT_TARGET", "softtarget", "st",
                           "DISTILLATION_METHOD_SOFT_TARGET"}) {
    EXPECT_EQ(ParseEnum(*v1::DistillationMethod_descriptor(), text).value(),
              v1::DISTILLATION_METHOD_SOFT_TARGET)
        << text;
  }
}

TEST(EnumTextTest, TheReferencesSpellingsAreUnderstood) {
  EXPECT_EQ(ParseEnum(*v1::TaskLossKind_descriptor(), "CrossEntropyLoss").value(),
            v1::TASK_LOSS_KIND_CROSS_ENTROPY);
  EXPECT_EQ(ParseEnum(*v1::SelectionMetric_descriptor(), "mean_acc").value(),
            v1::SELECTION_METRIC_VAL_MPA);
  EXPECT_EQ(ParseEnum(*v1::OptimizerKind_descriptor(), "RMSProp").value(),
            v1::OPTIMIZER_KIND_RMSPROP);
  EXPECT_EQ(ParseEnum(*v1::AugmentationPolicy_descriptor(), "TrivialAugmentWide").value(),
            v1::AUGMENTATION_POLICY_TRIVIAL_AUGMENT_WIDE);
}

TEST(EnumTextTest, AWrongValueListsTheRightOnes) {
  EXPECT_THAT(
      ParseEnum(*v1::Split_descriptor(), "tests"),
      StatusIs(Code::kInvalidArgument, AllOf(HasSubstr("train, val, test"), HasSubstr("'tests'"))));
}

TEST(EnumTextTest, UnspecifiedCannotBeAskedFor) {
  EXPECT_THAT(ParseEnum(*v1::Split_descriptor(), "unspecified"),
              ::distill::testing::HasCode(Code::kInvalidArgument));
}

TEST(EnumTextTest, NamesOfAllEnumerationsReadBack) {
  const auto& type = *v1::ScheduleKind_descriptor();
  for (int index = 1; index < type.value_count(); ++index) {
    const int number = type.value(index)->number();
    EXPECT_EQ(ParseEnum(type, EnumText(type, number)).value(), number);
  }
  EXPECT_EQ(EnumText(type, 99), "99");
}

}  // namespace
}  // namespace distill::client
