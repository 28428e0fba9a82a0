// Jobs with teachers: server/spec/job_resolver.h.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "server/spec/job_resolver.h"
#include "tests/unit/server/spec/job_resolver_fixture.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobResolverTeacherTest : public JobResolverFixture {
 protected:
  // A student on "many", of class0 to class3, of a teacher of other classes for each number: of as
  // many classes, class0 on.
  v1::Job StudentOfPartial(const std::vector<int>& num_known) {
    if (!store_->FindDataset("many").ok()) {
      AddDataset("many", 4, {v1::SPLIT_TRAIN, v1::SPLIT_VAL, v1::SPLIT_TEST});
    }
    v1::Job student = StudentOf("0", "student");
    student.mutable_train()->set_dataset("many");
    v1::Distillation& distillation = *student.mutable_train()->mutable_distillation();
    distillation.clear_teachers();
    for (const int known : num_known) {
      WriteFile("teacher.pth");
      v1::Teacher& teacher = *distillation.add_teachers();
      teacher.set_file("teacher.pth");
      teacher.set_model("resnet18");
      for (int i = 0; i < 4; ++i) {
        const std::string name = "class" + std::to_string(i);
        teacher.add_class_names(name);
        v1::ClassPair& pair = *teacher.add_class_map();
        pair.set_dataset_class(name);
        if (i < known) pair.set_teacher_class(name);
      }
    }
    return student;
  }
};

TEST_F(JobResolverTeacherTest, WhatIsAveragedMustBeOfTheSameClasses) {
  v1::Job student = StudentOfPartial({4, 3});
  EXPECT_THAT(Violations(student), IsEmpty());
  for (const v1::Ensemble mode : {v1::ENSEMBLE_MEAN_PROB, v1::ENSEMBLE_MEAN_LOGIT}) {
    student.mutable_train()->mutable_distillation()->set_ensemble(mode);
    EXPECT_THAT(Violations(student), ElementsAre(AtWith("train.distillation.ensemble", "MEAN_KL")));
  }
  v1::Job evaluation;
  evaluation.set_name("evaluation");
  evaluation.mutable_eval()->set_file("teacher.pth");
  evaluation.mutable_eval()->set_model("resnet18");
  evaluation.mutable_eval()->set_dataset("many");
  *evaluation.mutable_eval()->mutable_teachers() = student.train().distillation().teachers();
  EXPECT_THAT(Violations(evaluation), ElementsAre(AtWith("eval.teachers", "one teacher")));
}

TEST_F(JobResolverTeacherTest, AMethodThatNeedsMoreClassesThanATeacherKnowsIsRefused) {
  v1::Job student = StudentOfPartial({3});
  v1::DistillationTerm& term = *student.mutable_train()->mutable_distillation()->mutable_terms(0);
  term.set_method(v1::DISTILLATION_METHOD_DKD);
  EXPECT_THAT(Violations(student),
              ElementsAre(AtWith("train.distillation.terms[0].method", "leaves some out")));

  student = StudentOfPartial({4});
  student.mutable_train()->mutable_distillation()->mutable_terms(0)->set_method(
      v1::DISTILLATION_METHOD_DKD);
  EXPECT_THAT(Violations(student), IsEmpty());
  student.mutable_train()->mutable_augmentation()->set_mix(v1::BATCH_MIX_CUTMIX);
  EXPECT_THAT(Violations(student), ElementsAre(AtWith("train.augmentation.mix", "true label")));

  student = StudentOfPartial({1});
  v1::DistillationTerm& standardized =
      *student.mutable_train()->mutable_distillation()->mutable_terms(0);
  standardized.set_standardize_logits(true);
  EXPECT_THAT(
      Violations(student),
      ElementsAre(AtWith("train.distillation.terms[0].standardize_logits", "at least two")));
}

TEST_F(JobResolverTeacherTest, TeacherWithoutTheBlockIsNamed) {
  v1::Job teacher = TrainJob("teacher");
  teacher.mutable_train()->set_model("wrn-40-2");
  Submit(teacher);
  v1::Job student = StudentOf("teacher", "student");
  v1::DistillationTerm& term = *student.mutable_train()->mutable_distillation()->mutable_terms(0);
  term.set_method(v1::DISTILLATION_METHOD_AT);
  term.add_blocks(4);

  EXPECT_THAT(Violations(student), ElementsAre(AtWith("train.distillation.terms[0].blocks[0]",
                                                      "the teacher, wrn-40-2, has 3 blocks")));
}

TEST_F(JobResolverTeacherTest, TeacherWithAnotherClassCountIsRefusedWithBothCounts) {
  Submit(TrainJob("teacher"));
  AddDataset("fish", 5, {v1::SPLIT_TRAIN, v1::SPLIT_VAL});
  v1::Job student = StudentOf("teacher", "student");
  student.mutable_train()->set_dataset("fish");

  EXPECT_THAT(Violations(student), ElementsAre(AtWith("train.distillation.teachers[0].job",
                                                      "other classes (2) than the data set (5)")));
}

TEST_F(JobResolverTeacherTest, TeacherMustBeATrainingJob) {
  Submit(TrainJob("teacher"));
  Submit(EvalOf("teacher", "evaluation"));

  EXPECT_THAT(Violations(StudentOf("evaluation", "student")),
              ElementsAre(AtWith("train.distillation.teachers[0].job", "is an evaluation")));
}

TEST_F(JobResolverTeacherTest, ATeacherOfOtherClassesNeedsAClassMap) {
  AddDataset("more birds", 3, {v1::SPLIT_TRAIN, v1::SPLIT_VAL});
  v1::Job teacher = TrainJob("teacher");
  teacher.mutable_train()->set_dataset("more birds");
  Submit(teacher);
  v1::Job student = StudentOf("teacher", "student");
  EXPECT_THAT(Violations(student), ElementsAre(AtWith("train.distillation.teachers[0].job",
                                                      "number 2 is class2 and none")));

  v1::Teacher& given = *student.mutable_train()->mutable_distillation()->mutable_teachers(0);
  given.set_match_class_names(true);
  const v1::Teacher resolved = ResolvedOf(student).train().distillation().teachers(0);

  EXPECT_THAT(resolved.class_outputs(), ElementsAre(0, 1));
  EXPECT_THAT(resolved.class_names(), SizeIs(3));
}

TEST_F(JobResolverTeacherTest,
       ATorchScriptTeacherSeesImageNetsNormalisationUnlessItDeclaresItsOwn) {
  const auto file = WriteFile("vit.pt");
  v1::Job job = StudentOfTorchScript("vit.pt", "student");
  job.mutable_train()->mutable_input()->set_image_size(96);
  const v1::Teacher resolved = ResolvedOf(job).train().distillation().teachers(0);
  EXPECT_EQ(resolved.file(), file);
  EXPECT_EQ(resolved.model(), "torchscript");
  EXPECT_THAT(resolved.mean(), ElementsAre(0.485, 0.456, 0.406));
  EXPECT_THAT(resolved.std(), ElementsAre(0.229, 0.224, 0.225));
  EXPECT_EQ(resolved.image_size(), 96);

  v1::Teacher& teacher = *job.mutable_train()->mutable_distillation()->mutable_teachers(0);
  for (int i = 0; i < 3; ++i) teacher.add_mean(0.5);
  for (int i = 0; i < 3; ++i) teacher.add_std(0.25);
  teacher.set_image_size(518);
  const v1::Teacher declared = ResolvedOf(job).train().distillation().teachers(0);
  EXPECT_THAT(declared.mean(), ElementsAre(0.5, 0.5, 0.5));
  EXPECT_THAT(declared.std(), ElementsAre(0.25, 0.25, 0.25));
  EXPECT_EQ(declared.image_size(), 518);
  teacher.set_image_size(7);
  EXPECT_THAT(Violations(job), ElementsAre(At("train.distillation.teachers[0].image_size")));
}

TEST_F(JobResolverTeacherTest, TorchScriptIsRefusedWhereTheServerDoesNotAllowIt) {
  WriteFile("vit.pt");
  allows_torch_script_ = false;

  EXPECT_THAT(Violations(StudentOfTorchScript("vit.pt", "student")),
              ElementsAre(AtWith("train.distillation.teachers[0].model", "allow_torchscript")));
}

TEST_F(JobResolverTeacherTest, ATorchScriptTeacherLiesInsideTheRootsAndHasAClassMapLikeOthers) {
  EXPECT_THAT(Violations(StudentOfTorchScript("/etc/passwd", "student")),
              ElementsAre(AtWith("train.distillation.teachers[0].file", "inside one of")));
  WriteFile("vit.pt");
  v1::Job job = StudentOfTorchScript("vit.pt", "student");
  v1::Teacher& teacher = *job.mutable_train()->mutable_distillation()->mutable_teachers(0);
  for (const char* name : {"class1", "other", "class0"}) teacher.add_class_names(name);
  EXPECT_THAT(Violations(job),
              ElementsAre(AtWith("train.distillation.teachers[0].class_names", "class map")));
  teacher.set_match_class_names(true);
  EXPECT_THAT(ResolvedOf(job).train().distillation().teachers(0).class_outputs(),
              ElementsAre(2, 0));
}

TEST_F(JobResolverTeacherTest, OnlyATeacherCanBeTorchScript) {
  v1::Job job = TrainJob("student");
  job.mutable_train()->set_model("torchscript");
  EXPECT_THAT(Violations(job), ElementsAre(AtWith("train.model", "can only be a teacher")));
}

TEST_F(JobResolverTeacherTest, SeveralTeachersAreAllDependedOn) {
  const JobId first = Submit(TrainJob("first"));
  const JobId second = Submit(TrainJob("second"));
  v1::Job student = StudentOf("first", "student");
  student.mutable_train()->mutable_distillation()->add_teachers()->set_job("second");

  const Resolution resolution = Resolve({student});

  EXPECT_THAT(resolution.violations, IsEmpty());
  EXPECT_THAT(resolution.specs.front().depends_on, ElementsAre(first, second));
}

}  // namespace
}  // namespace distill::server
