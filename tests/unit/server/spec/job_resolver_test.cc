#include "server/spec/job_resolver.h"

#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/server/spec/job_resolver_fixture.h"

namespace distill::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobResolverTest : public JobResolverFixture {};

TEST_F(JobResolverTest, FillsInTheDefaultsOfTheProtocol) {
  const v1::TrainJob train = ResolvedOf(TrainJob("plain")).train();

  EXPECT_EQ(train.epochs(), 100);
  EXPECT_EQ(train.batch_size(), 64);
  EXPECT_EQ(train.input().image_size(), 224);
  EXPECT_EQ(train.patience(), 30);
  EXPECT_EQ(train.optimizer().kind(), v1::OPTIMIZER_KIND_ADAMW);
  EXPECT_DOUBLE_EQ(train.optimizer().learning_rate(), 1e-3);
  EXPECT_DOUBLE_EQ(train.loss().label_smoothing(), 0.1);
  EXPECT_EQ(train.schedule().kind(), v1::SCHEDULE_KIND_COSINE);
  EXPECT_FALSE(train.has_distillation());
  EXPECT_FALSE(train.has_ema());
  EXPECT_THAT(train.input().mean(), ElementsAre(0.5, 0.25, 0.125));
}

TEST_F(JobResolverTest, NetworksForSmallPicturesHaveTheirImageSizeAndTheirBlocksByDefault) {
  Submit(TrainJob("teacher"));
  v1::Job job = StudentOf("teacher", "student");
  job.mutable_train()->set_model("resnet20");
  v1::Distillation& given = *job.mutable_train()->mutable_distillation();
  given.mutable_terms(0)->set_method(v1::DISTILLATION_METHOD_AT);
  given.add_terms()->set_method(v1::DISTILLATION_METHOD_FITNET);

  const v1::TrainJob train = ResolvedOf(job).train();

  EXPECT_EQ(train.input().image_size(), 32);
  EXPECT_THAT(train.distillation().terms(0).blocks(), ElementsAre(2, 3));
  EXPECT_THAT(train.distillation().terms(1).blocks(), ElementsAre(2));
}

TEST_F(JobResolverTest, EvaluationOfAFileHasTheImageSizeOfItsModel) {
  WriteFile("model.safetensors");
  v1::Job job;
  job.set_name("eval");
  job.mutable_eval()->set_file("model.safetensors");
  job.mutable_eval()->set_model("wrn-40-2");
  job.mutable_eval()->set_dataset("birds");

  EXPECT_EQ(ResolvedOf(job).eval().input().image_size(), 32);
}

TEST_F(JobResolverTest, PublishedWeightsOfANetworkThatHasNoneAreRefused) {
  v1::Job job = TrainJob("plain");
  job.mutable_train()->set_model("vgg8");
  job.mutable_train()->mutable_initial_weights()->set_pretrained(true);

  EXPECT_THAT(Violations(job), ElementsAre(AtWith("train.initial_weights.pretrained",
                                                  "no published weights of vgg8")));
}

TEST_F(JobResolverTest, MilestonesStandInsteadOfStepEpochs) {
  v1::Job job = TrainJob("plain");
  v1::Schedule& schedule = *job.mutable_train()->mutable_schedule();
  schedule.set_kind(v1::SCHEDULE_KIND_STEP);
  for (const int epoch : {150, 180, 210}) schedule.add_milestones(epoch);

  const v1::Schedule resolved = ResolvedOf(job).train().schedule();

  EXPECT_THAT(resolved.milestones(), ElementsAre(150, 180, 210));
  EXPECT_FALSE(resolved.has_step_epochs());
}

TEST_F(JobResolverTest, KeepsWhatWasGivenBesideWhatWasResolved) {
  const JobSpec spec = Resolve({TrainJob("plain")}).specs.front();

  v1::Job given;
  ASSERT_TRUE(given.ParseFromString(spec.given));
  EXPECT_FALSE(given.train().has_epochs());
  EXPECT_EQ(spec.name, "plain");
  EXPECT_EQ(spec.owner, "ada");
  EXPECT_EQ(spec.num_epochs, 100);
  EXPECT_EQ(spec.max_interruptions, 3);
}

TEST_F(JobResolverTest, MakesANameWhereNoneIsGiven) {
  EXPECT_THAT(Resolve({TrainJob("")}).specs.front().name,
              ::testing::MatchesRegex("mobilenetv2-[0-9a-f]{8}"));
}

TEST_F(JobResolverTest, WeightsOfTermsFollowTheReferencesRule) {
  Submit(TrainJob("teacher"));
  v1::Job student = StudentOf("teacher", "student");
  student.mutable_train()->mutable_distillation()->add_terms()->set_method(
      v1::DISTILLATION_METHOD_AT);

  const v1::Distillation distillation = ResolvedOf(student).train().distillation();

  // r = 0.7: r / (1 - r) for SoftTarget, r for AT.
  EXPECT_NEAR(distillation.terms(0).weight(), 0.7 / 0.3, 1e-12);
  EXPECT_DOUBLE_EQ(distillation.terms(0).temperature(), 4);
  EXPECT_DOUBLE_EQ(distillation.terms(1).weight(), 0.7);
  EXPECT_THAT(distillation.terms(1).blocks(), ElementsAre(3, 4));
  EXPECT_EQ(distillation.terms(1).form(), v1::LOSS_FORM_REFERENCE);
}

TEST_F(JobResolverTest, StudentDependsOnItsTeacherById) {
  const JobId teacher = Submit(TrainJob("teacher"));

  const Resolution resolution = Resolve({StudentOf("teacher", "student")});

  const v1::Job resolved = ResolvedRequest(resolution.specs.front()).value();
  EXPECT_THAT(resolution.specs.front().depends_on, ElementsAre(teacher));
  EXPECT_EQ(resolved.train().distillation().teachers(0).job(), std::to_string(teacher));
  EXPECT_EQ(resolved.train().distillation().teachers(0).model(), "mobilenetv2");
}

TEST_F(JobResolverTest, LastIsTheCallersNewestJob) {
  Submit(TrainJob("first"));
  const JobId newest = Submit(TrainJob("second"));

  EXPECT_THAT(Resolve({EvalOf("@last", "eval")}).specs.front().depends_on, ElementsAre(newest));
}

TEST_F(JobResolverTest, BatchNamesEarlierJobsByTheirPlace) {
  const Resolution resolution = Resolve(
      {TrainJob("teacher"), StudentOf("teacher", "student"), EvalOf("student", "evaluation")});

  EXPECT_THAT(resolution.violations, IsEmpty());
  EXPECT_THAT(resolution.specs[1].depends_on, ElementsAre(-1));
  EXPECT_THAT(resolution.specs[2].depends_on, ElementsAre(-2, -1)) << "to compare with";
  EXPECT_EQ(resolution.specs[2].model, "mobilenetv2");
}

TEST_F(JobResolverTest, BatchRefusesALaterTeacherAndARepeatedName) {
  const Resolution resolution =
      Resolve({StudentOf("teacher", "student"), TrainJob("teacher"), TrainJob("teacher")});

  EXPECT_THAT(resolution.violations,
              ElementsAre(At("jobs[0].train.distillation.teachers[0].job"), At("jobs[2].name")));
}

TEST_F(JobResolverTest, ReportsAllViolationsAtOnce) {
  v1::Job job = TrainJob("not a name");
  job.set_priority(101);
  job.mutable_train()->set_model("resnet51");
  job.mutable_train()->set_dataset("fish");
  job.mutable_train()->set_epochs(0);

  EXPECT_THAT(Violations(job), ElementsAre(At("name"), At("priority"), At("train.epochs"),
                                           AtWith("train.model", "did you mean resnet50?"),
                                           AtWith("train.dataset", "there are: birds")));
}

TEST_F(JobResolverTest, DatasetMustBeReadyAndHaveAValidationSplit) {
  AddDataset("busy", 2, {}, DatasetState::kScanning);
  AddDataset("bad", 2, {}, DatasetState::kFailed);
  AddDataset("short", 2, {v1::SPLIT_TRAIN});
  v1::Job job = TrainJob("job");

  job.mutable_train()->set_dataset("busy");
  EXPECT_THAT(Violations(job), ElementsAre(AtWith("train.dataset", "still being scanned")));
  job.mutable_train()->set_dataset("bad");
  EXPECT_THAT(Violations(job), ElementsAre(AtWith("train.dataset", "no images")));
  job.mutable_train()->set_dataset("short");
  EXPECT_THAT(Violations(job), ElementsAre(AtWith("train.dataset", "no validation images")));
}

TEST_F(JobResolverTest, EvaluationComparesWithTheTeachersOfItsJob) {
  const JobId teacher = Submit(TrainJob("teacher"));
  Submit(StudentOf("teacher", "student"));

  const v1::EvalJob eval = ResolvedOf(EvalOf("student", "evaluation")).eval();
  ASSERT_THAT(eval.teachers(), SizeIs(1));
  EXPECT_EQ(eval.teachers(0).job(), std::to_string(teacher));
  EXPECT_EQ(eval.teachers(0).model(), "mobilenetv2");

  v1::Job without = EvalOf("student", "without");
  without.mutable_eval()->set_without_teachers(true);
  EXPECT_THAT(ResolvedOf(without).eval().teachers(), IsEmpty());
  EXPECT_THAT(ResolvedOf(EvalOf("teacher", "of-the-teacher")).eval().teachers(), IsEmpty());
}

TEST_F(JobResolverTest, TeachersOfAnEvaluationThatAreGoneAreLeftOutUnlessTheyWereAskedFor) {
  const JobId teacher = Submit(TrainJob("teacher"));
  Submit(StudentOf("teacher", "student"));
  Transition cancelled;
  cancelled.to = JobState::kCancelled;
  ASSERT_OK(store_->MoveJob(teacher, JobState::kQueued, cancelled, 1));
  ASSERT_OK(store_->DeleteJob(teacher));

  EXPECT_THAT(ResolvedOf(EvalOf("student", "evaluation")).eval().teachers(), IsEmpty());
  v1::Job asked = EvalOf("student", "asked");
  asked.mutable_eval()->add_teachers()->set_job("teacher");
  EXPECT_THAT(Violations(asked), ElementsAre(AtWith("eval.teachers[0].job", "no such job")));
}

TEST_F(JobResolverTest, EvaluationTakesModelDatasetAndInputFromItsJob) {
  v1::Job trained = TrainJob("trained");
  trained.mutable_train()->mutable_input()->set_image_size(96);
  trained.mutable_train()->mutable_input()->set_normalization(v1::NORMALIZATION_IMAGENET);
  Submit(trained);

  const v1::EvalJob eval = ResolvedOf(EvalOf("trained", "evaluation")).eval();

  EXPECT_EQ(eval.model(), "mobilenetv2");
  EXPECT_EQ(eval.dataset(), "birds");
  EXPECT_EQ(eval.input().image_size(), 96);
  EXPECT_THAT(eval.input().mean(), ElementsAre(0.485, 0.456, 0.406));
  EXPECT_EQ(eval.passes(0).split(), v1::SPLIT_TEST);
  EXPECT_EQ(eval.checkpoint(), v1::CHECKPOINT_KIND_BEST);
}

TEST_F(JobResolverTest, EvaluationOnOtherClassesIsRefusedAlsoWhereThereAreAsMany) {
  Submit(TrainJob("trained"));
  AddDataset("fish", 2, {v1::SPLIT_TEST}, DatasetState::kReady, "fish");
  AddDataset("more", 3, {v1::SPLIT_TEST});
  AddDataset("same", 2, {v1::SPLIT_TEST});
  v1::Job evaluation = EvalOf("trained", "evaluation");

  evaluation.mutable_eval()->set_dataset("same");
  EXPECT_THAT(Violations(evaluation), IsEmpty());
  evaluation.mutable_eval()->set_dataset("fish");
  EXPECT_THAT(Violations(evaluation),
              ElementsAre(AtWith("eval.dataset", "number 0 is fish0 and class0; name a data set")));
  evaluation.mutable_eval()->set_dataset("more");
  EXPECT_THAT(Violations(evaluation),
              ElementsAre(AtWith("eval.dataset",
                                 "has 3 classes, the model was trained on 2: number 2 is class2")));
}

TEST_F(JobResolverTest, EvaluationOfASplitThatIsNotThereIsRefused) {
  Submit(TrainJob("trained"));
  AddDataset("short", 2, {v1::SPLIT_TRAIN});
  v1::Job job = EvalOf("trained", "evaluation");
  job.mutable_eval()->set_dataset("short");

  EXPECT_THAT(Violations(job), ElementsAre(At("eval.passes[0].split")));
}

TEST_F(JobResolverTest, EvaluationOfAFileNeedsModelAndDataset) {
  v1::Job job;
  job.mutable_eval()->set_file(WriteFile("weights.safetensors"));

  EXPECT_THAT(Violations(job), ElementsAre(At("eval.model"), At("eval.dataset")));
}

TEST_F(JobResolverTest, PretrainedFileIsLookedUpWithEitherExtension) {
  v1::Job job = TrainJob("job");
  job.mutable_train()->mutable_initial_weights()->set_pretrained(true);

  EXPECT_THAT(
      Violations(job),
      ElementsAre(AtWith("train.initial_weights.pretrained",
                         "needs the file mobilenet_v2-b0353104.pth in the server's folder " +
                             weights_.path().string())));
  const auto file = WriteFile("mobilenet_v2-b0353104.safetensors");
  EXPECT_EQ(ResolvedOf(job).train().initial_weights().file(), file);
}

TEST_F(JobResolverTest, AfterNamesJobsOfAnyKindAndEarlierOnesOfTheBatch) {
  const JobId teacher = Submit(TrainJob("teacher"));
  v1::Job first = EvalOf("teacher", "first");
  v1::After& any = *first.add_after();
  any.set_job("teacher");
  any.set_condition(v1::AFTER_CONDITION_ANY);
  v1::Job second = TrainJob("second");
  second.add_after()->set_job("first");

  const Resolution resolution = Resolve({first, second});

  ASSERT_THAT(resolution.violations, IsEmpty());
  EXPECT_THAT(resolution.specs[0].after, ElementsAre(AfterJob{teacher, AfterCondition::kAny}));
  EXPECT_THAT(resolution.specs[1].after, ElementsAre(AfterJob{-1, AfterCondition::kOk}))
      << "OK is the default";
  const auto ids = store_->InsertJobs(resolution.specs, "", "", 1).value();
  EXPECT_EQ(store_->FindJob(ids[1])->spec.after[0].job, ids[0]);
}

TEST_F(JobResolverTest, AfterAnUnknownJobIsAViolation) {
  v1::Job job = TrainJob("a");
  job.add_after()->set_job("nobody");

  EXPECT_THAT(Violations(job), ElementsAre(AtWith("after[0].job", "no such job")));
}

TEST_F(JobResolverTest, SchedulingFieldsAreCheckedAndKept) {
  v1::Job job = TrainJob("a");
  job.set_group("grid");
  job.set_max_parallel(2);
  job.mutable_resources()->set_gpu_memory_bytes(int64_t{12} << 30);
  job.mutable_retry()->set_max_preemptions(7);
  const JobSpec spec = Resolve({job}).specs.front();
  EXPECT_EQ(spec.group, "grid");
  EXPECT_EQ(spec.max_parallel, 2);
  EXPECT_EQ(spec.gpu_memory_bytes, int64_t{12} << 30);
  EXPECT_EQ(spec.max_preemptions, 7);
  EXPECT_EQ(spec.max_device_errors, 1);

  job.mutable_resources()->set_gpu_memory_bytes(12);
  EXPECT_THAT(Violations(job), ElementsAre(At("resources.gpu_memory_bytes")));
  job = TrainJob("a");
  job.set_max_parallel(2);
  EXPECT_THAT(Violations(job), ElementsAre(AtWith("max_parallel", "name the group")));
  job.set_group("no/slashes");
  EXPECT_THAT(Violations(job), ElementsAre(At("group")));
}

TEST_F(JobResolverTest, SeveralDevicesAreKeptWithTheTimeLimit) {
  v1::Job job = TrainJob("a");
  EXPECT_EQ(Resolve({job}).specs.front().num_devices, 1);
  EXPECT_EQ(ResolvedOf(job).resources().devices(), 1);

  job.mutable_resources()->set_devices(4);
  job.mutable_resources()->set_device("cpu");
  job.mutable_train()->set_time_limit_seconds(90);
  const JobSpec spec = Resolve({job}).specs.front();
  EXPECT_EQ(spec.num_devices, 4);
  EXPECT_EQ(spec.time_limit_seconds, 90);
  EXPECT_EQ(ResolvedOf(job).resources().devices(), 4);
}

TEST_F(JobResolverTest, WhatCannotGoWithSeveralDevicesIsRefused) {
  const auto faults = [&](const std::function<void(v1::Job&)>& change) {
    v1::Job job = TrainJob("a");
    job.mutable_resources()->set_devices(4);
    change(job);
    return Violations(job);
  };

  EXPECT_THAT(faults([](auto&) {}), IsEmpty());
  EXPECT_THAT(faults([](auto& job) { job.mutable_resources()->set_devices(-1); }),
              ElementsAre(At("resources.devices")));
  EXPECT_THAT(faults([](auto& job) { job.mutable_resources()->set_devices(65); }),
              Contains(At("resources.devices")));
  EXPECT_THAT(faults([](auto& job) { job.mutable_resources()->set_device("0"); }),
              ElementsAre(AtWith("resources.device", "leave it out, or say \"cpu\"")));
  EXPECT_THAT(
      faults([](auto& job) { job.mutable_resources()->set_gpu_memory_bytes(int64_t{1} << 30); }),
      ElementsAre(AtWith("resources.gpu_memory_bytes", "each of them to itself")));
  EXPECT_THAT(faults([](auto& job) { job.mutable_train()->set_batch_size(7); }),
              ElementsAre(AtWith("train.batch_size", "two images for each of the 4 devices")));
  EXPECT_THAT(faults([](auto& job) { job.mutable_eval()->set_job("nobody"); }),
              Contains(AtWith("resources.devices", "an evaluation uses one device")));
}

TEST_F(JobResolverTest, MemoryKeyIsThatOfTheShapesNotOfWhatFillsThem) {
  const auto key = [&](const std::function<void(v1::TrainJob&)>& change) {
    v1::Job job = TrainJob("a");
    change(*job.mutable_train());
    return Resolve({job}).specs.front().memory_key;
  };
  const std::string plain = key([](auto&) {});

  EXPECT_EQ(key([](auto& train) { train.set_seed(5); }), plain);
  EXPECT_EQ(key([](auto& train) { train.set_epochs(5); }), plain);
  EXPECT_EQ(key([](auto& train) { train.mutable_optimizer()->set_learning_rate(0.5); }), plain);
  EXPECT_NE(key([](auto& train) { train.set_batch_size(128); }), plain);
  EXPECT_NE(key([](auto& train) { train.set_model("resnet50"); }), plain);
  EXPECT_NE(key([](auto& train) { train.set_amp(true); }), plain);
  EXPECT_NE(key([](auto& train) { train.mutable_input()->set_image_size(256); }), plain);

  // A TorchScript file may be a network of any size.
  const auto key_of_script = [&](const std::string& file, int image_size) {
    WriteFile(file);
    v1::Job job = StudentOfTorchScript(file, "student");
    Kd(job).mutable_teachers(0)->set_image_size(image_size);
    return Resolve({job}).specs.front().memory_key;
  };
  EXPECT_EQ(key_of_script("a.pt", 224), key_of_script("a.pt", 224));
  EXPECT_NE(key_of_script("a.pt", 224), key_of_script("b.pt", 224));
  EXPECT_NE(key_of_script("a.pt", 224), key_of_script("a.pt", 256));
}

}  // namespace
}  // namespace distill::server
