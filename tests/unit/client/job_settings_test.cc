#include "client/job_settings.h"

#include <gmock/gmock.h>

#include "client/job_file.h"
#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

std::vector<v1::Job> SomeJobs() {
  return ParseJobFile(
             "jobs:\n"
             "  - {name: t, train: {model: resnet50, epochs: 150}}\n"
             "  - name: s\n"
             "    train: {epochs: 150, distillation: {teachers: [{job: t}], terms: [{method: "
             "at}]}}\n"
             "  - {name: e, eval: {job: s}}\n",
             "f")
      .value();
}

TEST(JobSettingsTest, ASettingGoesIntoAllJobsOfItsKind) {
  auto jobs = SomeJobs();

  ASSERT_OK(ApplySettings(
      {"train.epochs=2", "train.input.image_size=64", "eval.batch_size=8", "priority=-3"}, jobs));

  EXPECT_EQ(jobs[0].train().epochs(), 2);
  EXPECT_EQ(jobs[1].train().input().image_size(), 64);
  EXPECT_FALSE(jobs[2].has_train());
  EXPECT_EQ(jobs[2].eval().batch_size(), 8);
  EXPECT_EQ(jobs[2].priority(), -3);
}

TEST(JobSettingsTest, ASettingOfDistillationLeavesPlainJobsPlain) {
  auto jobs = SomeJobs();

  ASSERT_OK(ApplySettings({"train.distillation.kd_ratio=0.5"}, jobs));

  EXPECT_FALSE(jobs[0].train().has_distillation());
  EXPECT_DOUBLE_EQ(jobs[1].train().distillation().kd_ratio(), 0.5);
}

TEST(JobSettingsTest, ASettingThatConcernsNoJobIsAnError) {
  auto jobs = SomeJobs();

  EXPECT_THAT(ApplySettings({"train.ema.decay=0.9"}, jobs),
              StatusIs(Code::kInvalidArgument, HasSubstr("train.ema.decay")));
  EXPECT_THAT(ApplySettings({"train.epochs"}, jobs),
              StatusIs(Code::kInvalidArgument, HasSubstr("path=value")));
  EXPECT_THAT(ApplySettings({"train.epohcs=2"}, jobs),
              StatusIs(Code::kInvalidArgument, HasSubstr("--set: train.epohcs")));
}

TEST(JobSettingsTest, APrefixKeepsJobsPointingAtEachOther) {
  auto jobs = SomeJobs();
  jobs[0].mutable_train()->mutable_initial_weights()->set_job("elsewhere");

  PrefixNames("trial-", jobs);

  EXPECT_EQ(jobs[0].name(), "trial-t");
  EXPECT_EQ(jobs[0].train().initial_weights().job(), "elsewhere");
  EXPECT_EQ(jobs[1].train().distillation().teachers(0).job(), "trial-t");
  EXPECT_EQ(jobs[2].eval().job(), "trial-s");
}

TEST(JobSettingsTest, OnlyTheJobsThatAPatternNamesAreKept) {
  auto jobs = SomeJobs();

  ASSERT_OK(SelectJobs({"[st]"}, jobs));

  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].name(), "t");
  EXPECT_EQ(jobs[1].name(), "s");
  EXPECT_THAT(SelectJobs({"s*", "x*"}, jobs),
              StatusIs(Code::kInvalidArgument, HasSubstr("is called x*")));
}

}  // namespace
}  // namespace distill::client
