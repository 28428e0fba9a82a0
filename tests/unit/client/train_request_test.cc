#include "client/train_request.h"

#include <gmock/gmock.h>

#include "client/term_parameters.h"
#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(TrainRequestTest, AValueThatDoesNotFitIsToldByItsFlag) {
  TrainFlags flags;
  flags.settings = {{"--lr", "train.optimizer.learning_rate", "fast"}};

  EXPECT_THAT(BuildTrainJob(flags),
              StatusIs(Code::kInvalidArgument, AllOf(StartsWith("--lr: "), HasSubstr("'fast'"))));
}

TEST(TrainRequestTest, TermFlagsGoToTheMethodsTheyName) {
  TrainFlags flags;
  flags.distillation.is_asked_for = true;
  flags.distillation.methods = {"mgd", "AT"};
  flags.distillation.teachers.teachers = {"teacher"};
  flags.distillation.parameters["weight"] = {"2", "at=100"};
  flags.distillation.parameters["blocks"] = {"at=2,3"};
  flags.distillation.parameters["mgd_mask_ratio"] = {"0.5"};

  const auto job = BuildTrainJob(flags);

  ASSERT_OK(job);
  const auto& distillation = job->train().distillation();
  EXPECT_EQ(distillation.teachers(0).job(), "teacher");
  EXPECT_DOUBLE_EQ(distillation.terms(0).weight(), 2);
  EXPECT_DOUBLE_EQ(distillation.terms(0).mgd_mask_ratio(), 0.5);
  EXPECT_TRUE(distillation.terms(0).blocks().empty());
  EXPECT_DOUBLE_EQ(distillation.terms(1).weight(), 100);
  EXPECT_THAT(distillation.terms(1).blocks(), ElementsAre(2, 3));
}

TEST(TrainRequestTest, EveryParameterSetsTheFieldOfTheMethodsThatHaveIt) {
  for (const TermParameter& parameter : TermParameters()) {
    const auto* field = v1::DistillationTerm::descriptor()->FindFieldByName(parameter.field);
    ASSERT_NE(field, nullptr) << parameter.flag;
    for (const v1::DistillationMethod method : parameter.methods) {
      TrainFlags flags;
      flags.distillation.is_asked_for = true;
      flags.distillation.methods = {v1::DistillationMethod_Name(method)};
      flags.distillation.teachers.teachers = {"teacher"};
      flags.distillation.parameters[parameter.field] = {"1"};
      if (std::string_view(parameter.field) == "form")
        flags.distillation.parameters["form"] = {"paper"};
      if (field->type() == google::protobuf::FieldDescriptor::TYPE_BOOL) {
        flags.distillation.parameters[parameter.field] = {"true"};
      }
      const auto job = BuildTrainJob(flags);

      ASSERT_OK(job);
      const v1::DistillationTerm& term = job->train().distillation().terms(0);
      const bool is_set = field->is_repeated() ? term.GetReflection()->FieldSize(term, field) == 1
                                               : term.GetReflection()->HasField(term, field);
      EXPECT_TRUE(is_set) << parameter.flag;
    }
  }
}

TEST(TrainRequestTest, ATermFlagThatNoMethodTakesIsAnError) {
  TrainFlags flags;
  flags.distillation.is_asked_for = true;
  flags.distillation.methods = {"sp"};
  flags.distillation.teachers.teachers = {"t"};
  flags.distillation.parameters["temperature"] = {"4"};

  EXPECT_THAT(BuildTrainJob(flags), StatusIs(Code::kInvalidArgument, HasSubstr("--temperature")));
}

TEST(TrainRequestTest, ATeachersFileNeedsItsArchitecture) {
  TrainFlags flags;
  flags.distillation.is_asked_for = true;
  flags.distillation.teachers.teachers = {"resnet50.pth"};
  EXPECT_THAT(BuildTrainJob(flags), StatusIs(Code::kInvalidArgument, HasSubstr("--teacher-model")));

  flags.distillation.teachers.models = {"resnet50"};
  const auto job = BuildTrainJob(flags);

  ASSERT_OK(job);
  EXPECT_EQ(job->train().distillation().teachers(0).file(), "resnet50.pth");
  EXPECT_EQ(job->train().distillation().terms(0).method(), v1::DISTILLATION_METHOD_SOFT_TARGET);
}

TEST(TrainRequestTest, DistillationParametersNeedDistillation) {
  TrainFlags flags;
  flags.distillation.ratio = "0.7";
  EXPECT_THAT(BuildTrainJob(flags), StatusIs(Code::kInvalidArgument, HasSubstr("--kd")));

  flags.distillation.is_asked_for = true;
  EXPECT_THAT(BuildTrainJob(flags), StatusIs(Code::kInvalidArgument, HasSubstr("--teacher")));
}

TEST(TrainRequestTest, OnlyOneStartIsPossible) {
  TrainFlags flags;
  flags.pretrained = true;
  flags.weights = "best.safetensors";

  EXPECT_THAT(BuildTrainJob(flags), StatusIs(Code::kInvalidArgument, HasSubstr("--pretrained")));
}

TEST(TrainRequestTest, WhatLooksLikeAFileIsOne) {
  EXPECT_TRUE(IsFileName("weights/resnet50"));
  EXPECT_TRUE(IsFileName("resnet50.pth"));
  EXPECT_TRUE(IsFileName("a.safetensors"));
  EXPECT_FALSE(IsFileName("teacher-1.0"));
  EXPECT_FALSE(IsFileName("@last"));
}

TEST(TrainRequestTest, SplitsAndTtaMakeThePasses) {
  EvalFlags flags;
  flags.job = "student";
  flags.splits = {"val", "test"};
  flags.tta = true;

  const auto job = BuildEvalJob(flags);

  ASSERT_OK(job);
  ASSERT_EQ(job->eval().passes_size(), 4);
  EXPECT_EQ(job->eval().passes(0).split(), v1::SPLIT_VAL);
  EXPECT_TRUE(job->eval().passes(1).tta());
  EXPECT_EQ(job->eval().passes(3).split(), v1::SPLIT_TEST);
}

TEST(TrainRequestTest, AnEvaluationIsOfAJobOrOfAFile) {
  EXPECT_THAT(BuildEvalJob({}), StatusIs(Code::kInvalidArgument, HasSubstr("needed")));
  EvalFlags both;
  both.job = "a";
  both.file = "b.pth";
  EXPECT_THAT(BuildEvalJob(both), ::distill::testing::HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::client
