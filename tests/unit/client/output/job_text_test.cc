#include "client/output/job_text.h"

#include <gmock/gmock.h>

namespace distill::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Job RunningJob() {
  v1::Job job;
  job.set_name("student");
  job.set_state(v1::JOB_STATE_RUNNING);
  job.mutable_train()->set_model("mobilenetv2");
  auto& progress = *job.mutable_progress();
  progress.set_epoch(2);
  progress.set_num_epochs(4);
  progress.set_step(5);
  progress.set_steps_per_epoch(10);
  progress.set_images_per_second(118.4);
  progress.set_eta_unix_ms(1'000'000 + 252'000);
  progress.set_phase("train");
  (*job.mutable_latest_metrics())["train/loss"] = 1.23456;
  (*job.mutable_latest_metrics())["val/accuracy"] = 0.75;
  return job;
}

TEST(JobTextTest, TheProgressLineTellsAllThatIsKnown) {
  EXPECT_EQ(ProgressLine(RunningJob(), 1'000'000, 200),
            "student  RUNNING  epoch 2/4  [############--------] 62%  val acc 0.7500  ETA 4m12s  "
            "118 images/s  train loss 1.2346");
}

TEST(JobTextTest, TheProgressLineSaysWhichLossItTells) {
  v1::Job job = RunningJob();
  job.mutable_progress()->set_phase("val");
  (*job.mutable_latest_metrics())["val/loss"] = 0.5;

  EXPECT_THAT(ProgressLine(job, 1'000'000, 200),
              HasSubstr("  train loss 1.2346  val loss 0.5000  now: val"));
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  EXPECT_THAT(ProgressLine(job, 1'000'000, 200), Not(HasSubstr("now:")));
}

TEST(JobTextTest, InEightyColumnsAccuracyTimeLeftAndSpeedAreAllThere) {
  v1::Job job = RunningJob();
  job.set_name("resnet8x4-from-wrn-40-2");

  EXPECT_EQ(ProgressLine(job, 1'000'000, 80),
            "resnet8x4-from-wrn-40-2  RUNNING  epoch 2/4  62%  val acc 0.7500  ETA 4m12s");
  job.set_name("student");
  EXPECT_EQ(ProgressLine(job, 1'000'000, 80),
            "student  RUNNING  epoch 2/4  62%  val acc 0.7500  ETA 4m12s  118 images/s");
}

TEST(JobTextTest, DevicesAreThoseItHasOrWants) {
  v1::Job job = RunningJob();
  EXPECT_EQ(DevicesText(job), "-");
  job.add_devices("GPU-1f0c2a7b-3333-4444-5555-666666666666");
  job.add_devices("cpu:1");
  EXPECT_EQ(DevicesText(job), "GPU-1f0c2a7b,cpu:1");

  job.set_state(v1::JOB_STATE_QUEUED);
  EXPECT_EQ(DevicesText(job), "-");
  job.mutable_resources()->set_devices(2);
  EXPECT_EQ(DevicesText(job), "2 wanted");
}

TEST(JobTextTest, TheProgressLineIsCutToTheTerminal) {
  EXPECT_EQ(ProgressLine(RunningJob(), 0, 16), "student  RUNNING");
}

TEST(JobTextTest, AJobThatWaitsSaysWhy) {
  v1::Job job;
  job.set_name("s");
  job.set_state(v1::JOB_STATE_QUEUED);
  job.set_message("waits for teacher");

  EXPECT_EQ(ProgressLine(job, 0, 80), "s  QUEUED  waits for teacher");
}

TEST(JobTextTest, AFailureShowsItsCause) {
  v1::Job job;
  job.set_name("s");
  job.set_state(v1::JOB_STATE_FAILED);
  job.set_cause(v1::CAUSE_OUT_OF_MEMORY);

  EXPECT_EQ(ProgressLine(job, 0, 80), "s  FAILED OUT_OF_MEMORY");
}

TEST(JobTextTest, TheSummaryNamesModelAndMethods) {
  v1::Job job = RunningJob();
  auto& train = *job.mutable_train();
  train.mutable_distillation()->add_terms()->set_method(v1::DISTILLATION_METHOD_MGD);
  train.mutable_distillation()->add_terms()->set_method(v1::DISTILLATION_METHOD_AT);
  train.mutable_ema();

  EXPECT_EQ(SummaryText(job), "train mobilenetv2 mgd+at, ema");
}

}  // namespace
}  // namespace distill::client
