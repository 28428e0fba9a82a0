#include "core/worker/train_run.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::testing::ElementsAre;

// What the daemon stores of a job, with the defaults filled in where a worker reads them.
worker::v1::WorkerSpec SpecOfAStudent() {
  worker::v1::WorkerSpec spec;
  spec.set_device("cpu");
  worker::v1::TrainTask& task = *spec.mutable_train();
  v1::TrainJob& job = *task.mutable_job();
  job.set_model("resnet20");
  job.mutable_optimizer()->set_kind(v1::OPTIMIZER_KIND_SGD);
  job.mutable_schedule()->set_kind(v1::SCHEDULE_KIND_STEP);
  job.mutable_loss()->set_kind(v1::TASK_LOSS_KIND_CROSS_ENTROPY);
  job.mutable_augmentation()->set_policy(v1::AUGMENTATION_POLICY_NONE);
  job.mutable_augmentation()->set_mix(v1::BATCH_MIX_NONE);
  job.mutable_input()->set_image_size(32);
  job.mutable_input()->set_normalization(v1::NORMALIZATION_EXPLICIT);
  for (int channel = 0; channel < 3; ++channel) {
    job.mutable_input()->add_mean(0.5);
    job.mutable_input()->add_std(0.25);
    task.add_dataset_mean(0.5);
    task.add_dataset_std(0.25);
  }
  job.set_selection_metric(v1::SELECTION_METRIC_VAL_ACCURACY);
  v1::DistillationTerm& term = *job.mutable_distillation()->add_terms();
  term.set_method(v1::DISTILLATION_METHOD_SOFT_TARGET);
  worker::v1::ResolvedTeacher& teacher = *task.add_teachers();
  teacher.set_model("resnet56");
  *teacher.mutable_mean() = job.input().mean();
  *teacher.mutable_std() = job.input().std();
  return spec;
}

TEST(TrainRunTest, PublishedSchedulesReachTheTrainer) {
  worker::v1::WorkerSpec spec = SpecOfAStudent();
  v1::TrainJob& job = *spec.mutable_train()->mutable_job();
  job.mutable_optimizer()->set_nesterov(false);
  job.mutable_optimizer()->set_decay_all(true);
  for (const int epoch : {150, 180, 210}) job.mutable_schedule()->add_milestones(epoch);
  job.mutable_augmentation()->set_crop_padding(4);
  job.set_task_weight(0.1);
  job.set_distillation_warmup_epochs(20);
  job.set_amp(true);
  job.set_amp_type(v1::AMP_TYPE_FLOAT16);

  const auto options = ToTrainOptions(spec, "/run");

  ASSERT_OK(options);
  EXPECT_FALSE(options->optimizer.nesterov);
  EXPECT_TRUE(options->optimizer.decay_all);
  EXPECT_THAT(options->schedule.milestones, ElementsAre(150, 180, 210));
  EXPECT_EQ(options->augmentation.crop_padding, 4);
  EXPECT_EQ(options->distillation->task_weight, 0.1);
  EXPECT_EQ(options->distillation->warmup_epochs, 20);
  EXPECT_EQ(options->amp, AmpRequest::kFloat16);
}

// A job that an older daemon resolved has none of the newer fields.
TEST(TrainRunTest, FieldsThatAreNotThereMeanWhatTheyAlwaysDid) {
  worker::v1::WorkerSpec spec = SpecOfAStudent();
  spec.mutable_train()->mutable_job()->mutable_schedule()->set_step_epochs(7);
  spec.mutable_train()->mutable_job()->set_amp(true);

  const auto options = ToTrainOptions(spec, "/run");

  ASSERT_OK(options);
  EXPECT_TRUE(options->optimizer.nesterov);
  EXPECT_FALSE(options->optimizer.decay_all);
  EXPECT_EQ(options->schedule.step_epochs, 7);
  EXPECT_TRUE(options->schedule.milestones.empty());
  EXPECT_EQ(options->augmentation.crop_padding, 0);
  EXPECT_EQ(options->distillation->task_weight, 1);
  EXPECT_EQ(options->distillation->warmup_epochs, 0);
  EXPECT_EQ(options->amp, AmpRequest::kAuto);
}

TEST(TrainRunTest, FilesThatARequestNamedAreReadInsideTheRoots) {
  worker::v1::WorkerSpec spec = SpecOfAStudent();
  spec.add_weights_roots("/weights");
  spec.add_dataset_roots("/data");
  *spec.mutable_train()->add_teachers() = spec.train().teachers(0);
  spec.mutable_train()->mutable_teachers(1)->set_job("3");
  spec.mutable_train()->mutable_job()->mutable_initial_weights()->set_file("/weights/a.pth");

  const TrainOptions options = ToTrainOptions(spec, "/run").value();

  EXPECT_THAT(options.dataset_roots, ElementsAre("/data"));
  EXPECT_THAT(options.weights_roots, ElementsAre("/weights"));
  EXPECT_THAT(options.distillation->teachers[0].roots, ElementsAre("/weights"));
  EXPECT_THAT(options.distillation->teachers[1].roots, ::testing::IsEmpty())
      << "the daemon found what a job wrote";
}

// Scans of older versions reported 0 of a constant channel, by which nothing can be divided.
TEST(TrainRunTest, ADeviationOfNextToNothingIsOneAndToldOf) {
  worker::v1::WorkerSpec spec = SpecOfAStudent();
  v1::Input& input = *spec.mutable_train()->mutable_job()->mutable_input();
  EXPECT_EQ(NoticeOfConstantChannels(input, ToTrainOptions(spec, "/run")->normalization), "");
  input.set_normalization(v1::NORMALIZATION_DATASET);
  EXPECT_EQ(NoticeOfConstantChannels(input, ToTrainOptions(spec, "/run")->normalization), "");
  spec.mutable_train()->set_dataset_std(0, 0);
  spec.mutable_train()->set_dataset_std(2, 0.0009);
  spec.mutable_train()->mutable_teachers(0)->set_std(1, 0);

  const auto options = ToTrainOptions(spec, "/run");

  ASSERT_OK(options);
  EXPECT_THAT(options->normalization.std, ElementsAre(1, 0.25, 1));
  EXPECT_THAT(options->distillation->teachers[0].normalization.std, ElementsAre(0.25, 1, 0.25));
  EXPECT_THAT(NoticeOfConstantChannels(input, options->normalization),
              ::testing::HasSubstr("channels red, blue: "));
}

}  // namespace
}  // namespace distill::core
