#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>

#include "google/rpc/error_details.pb.h"
#include "tests/unit/client/command_line/command_line_fixture.h"

namespace distill::client {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

TEST_F(CommandLineTest, TheDocumentsTeacherCommandBecomesItsRequest) {
  ASSERT_EQ(Run({"train",
                 "--model",
                 "resnet50",
                 "--dataset",
                 "cub200",
                 "--name",
                 "teacher",
                 "--lr",
                 "1e-4",
                 "--augment",
                 "AutoAugment",
                 "--epochs",
                 "150",
                 "--pretrained",
                 "--amp",
                 "--amp-type",
                 "float16",
                 "--warmup",
                 "--imagenet-meanstd",
                 "--priority",
                 "-5",
                 "--label",
                 "project=birds",
                 "--time-limit",
                 "2h",
                 "--device",
                 "0",
                 "--devices",
                 "2"}),
            0)
      << err_;

  const v1::Job& job = server_.jobs.created.back().job();
  const v1::TrainJob& train = job.train();
  EXPECT_EQ(job.name(), "teacher");
  EXPECT_EQ(job.priority(), -5);
  EXPECT_EQ(job.labels().at("project"), "birds");
  EXPECT_EQ(job.resources().device(), "0");
  EXPECT_EQ(job.resources().devices(), 2);
  EXPECT_EQ(train.model(), "resnet50");
  EXPECT_EQ(train.dataset(), "cub200");
  EXPECT_DOUBLE_EQ(train.optimizer().learning_rate(), 1e-4);
  EXPECT_EQ(train.augmentation().policy(), v1::AUGMENTATION_POLICY_AUTO_AUGMENT);
  EXPECT_EQ(train.epochs(), 150);
  EXPECT_TRUE(train.initial_weights().pretrained());
  EXPECT_TRUE(train.amp());
  EXPECT_EQ(train.amp_type(), v1::AMP_TYPE_FLOAT16);
  EXPECT_TRUE(train.schedule().warmup());
  EXPECT_EQ(train.input().normalization(), v1::NORMALIZATION_IMAGENET);
  EXPECT_EQ(train.time_limit_seconds(), 7200);
  EXPECT_EQ(out_, "submitted teacher (id 7): train resnet50\n");
  EXPECT_EQ(server_.jobs.user, "ada");
}

TEST_F(CommandLineTest, TheReferencesSpellingsBecomeTheSameRequest) {
  ASSERT_EQ(Run({"train",
                 "--model_name",
                 "mobilenetv2",
                 "--dataset",
                 "d",
                 "--epoch",
                 "3",
                 "--image_size",
                 "96",
                 "--batch_size",
                 "16",
                 "--Augment",
                 "RandAugment",
                 "--label_smoothing",
                 "0.2",
                 "--weight_decay",
                 "1e-3",
                 "--class_balance",
                 "--warmup_ratios",
                 "0.1",
                 "--warmup_minlr",
                 "1e-7",
                 "--metrice",
                 "mean_acc",
                 "--test_tta",
                 "--imagenet_meanstd",
                 "--kd",
                 "--kd_method",
                 "MGD",
                 "--kd_ratio",
                 "0.2",
                 "--teacher_path",
                 "ghostnet",
                 "--rdrop",
                 "--ema"}),
            0)
      << err_;

  const v1::TrainJob& train = CreatedTrain();
  EXPECT_EQ(train.epochs(), 3);
  EXPECT_EQ(train.input().image_size(), 96);
  EXPECT_EQ(train.batch_size(), 16);
  EXPECT_EQ(train.augmentation().policy(), v1::AUGMENTATION_POLICY_RAND_AUGMENT);
  EXPECT_DOUBLE_EQ(train.loss().label_smoothing(), 0.2);
  EXPECT_TRUE(train.loss().class_balance());
  EXPECT_DOUBLE_EQ(train.optimizer().weight_decay(), 1e-3);
  EXPECT_DOUBLE_EQ(train.schedule().warmup_ratio(), 0.1);
  EXPECT_DOUBLE_EQ(train.schedule().min_learning_rate(), 1e-7);
  EXPECT_EQ(train.selection_metric(), v1::SELECTION_METRIC_VAL_MPA);
  EXPECT_TRUE(train.validate_with_tta());
  EXPECT_TRUE(train.has_ema());
  EXPECT_TRUE(train.has_rdrop());
  ASSERT_EQ(train.distillation().terms_size(), 1);
  EXPECT_EQ(train.distillation().terms(0).method(), v1::DISTILLATION_METHOD_MGD);
  EXPECT_DOUBLE_EQ(train.distillation().kd_ratio(), 0.2);
  EXPECT_EQ(train.distillation().teachers(0).job(), "ghostnet");
}

TEST_F(CommandLineTest, SeveralMethodsAddUp) {
  ASSERT_EQ(Run({"train", "--model", "m", "--kd", "softtarget", "--kd", "at", "--teacher", "t",
                 "--temperature", "2", "--kd-weight", "at=100", "--kd-blocks", "3,4"}),
            0)
      << err_;

  const auto& distillation = CreatedTrain().distillation();
  ASSERT_EQ(distillation.terms_size(), 2);
  EXPECT_DOUBLE_EQ(distillation.terms(0).temperature(), 2);
  EXPECT_DOUBLE_EQ(distillation.terms(1).weight(), 100);
  EXPECT_EQ(distillation.terms(1).blocks_size(), 2);
}

TEST_F(CommandLineTest, EachSubmissionHasItsOwnUuid) {
  ASSERT_EQ(Run({"train", "--model", "m"}), 0);
  ASSERT_EQ(Run({"train", "--model", "m"}), 0);

  const std::string first = server_.jobs.created[0].request_id();
  EXPECT_THAT(first, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                  "[0-9a-f]{12}"));
  EXPECT_NE(first, server_.jobs.created[1].request_id());
}

TEST_F(CommandLineTest, QuietPrintsTheIdAndDryRunOnlyValidates) {
  ASSERT_EQ(Run({"train", "--model", "m", "-q", "--dry-run"}), 0);

  EXPECT_EQ(out_, "7\n");
  EXPECT_TRUE(server_.jobs.created.back().validate_only());
}

TEST_F(CommandLineTest, AFlagOfTheReferenceThatHasNoEqualIsExplained) {
  EXPECT_EQ(Run({"train", "--model", "m", "--save_path", "runs/x"}), 2);
  EXPECT_THAT(err_, HasSubstr("jobs have names instead of folders: --name"));
}

TEST_F(CommandLineTest, ViolationsOfTheServerArePrintedOneALine) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field("job.train.model");
  violation->set_description("no such model: m");
  google::rpc::Status details;
  details.add_details()->PackFrom(bad_request);
  server_.jobs.create_failures = {
      grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "refused", details.SerializeAsString())};

  EXPECT_EQ(Run({"train", "--model", "m"}), 2);
  EXPECT_EQ(err_, "distillctl: refused\n  job.train.model: no such model: m\n");
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(CommandLineTest, EvalTakesSplitsAndTta) {
  ASSERT_EQ(Run({"eval", "student", "--split", "val,test", "--tta", "--checkpoint", "last"}), 0)
      << err_;

  const v1::EvalJob& eval = server_.jobs.created.back().job().eval();
  EXPECT_EQ(eval.job(), "student");
  EXPECT_EQ(eval.passes_size(), 4);
  EXPECT_EQ(eval.checkpoint(), v1::CHECKPOINT_KIND_LAST);
}

TEST_F(CommandLineTest, AFileOfJobsIsSubmittedAsOneBatch) {
  in_ = "jobs:\n  - {name: t, train: {model: a, epochs: 9}}\n  - {name: e, eval: {job: t}}\n";

  ASSERT_EQ(Run({"submit", "-f", "-", "--set", "train.epochs=2", "train.input.image_size=64",
                 "--prefix", "x-", "-q"}),
            0)
      << err_;

  ASSERT_THAT(server_.jobs.batches, SizeIs(1));
  const auto& batch = server_.jobs.batches[0];
  EXPECT_EQ(batch.jobs(0).train().epochs(), 2);
  EXPECT_EQ(batch.jobs(0).train().input().image_size(), 64);
  EXPECT_EQ(batch.jobs(1).eval().job(), "x-t");
  EXPECT_THAT(batch.request_id(), SizeIs(36));
  EXPECT_EQ(out_, "1\n2\n");
}

TEST_F(CommandLineTest, AJobFileThatCannotBeReadSaysWhy) {
  EXPECT_EQ(Run({"submit", "-f", "/no/such/file.yaml"}), 1);
  EXPECT_THAT(err_, HasSubstr("/no/such/file.yaml: No such file or directory"));
  EXPECT_EQ(Run({"submit", "-f", "/"}), 1);
  EXPECT_THAT(err_, HasSubstr("Is a directory"));
  EXPECT_EQ(Run({"submit", "-f", "/dev/null"}), 2);
  EXPECT_THAT(err_, HasSubstr("the job file is empty: /dev/null"));
  in_ = "jobs: [";
  EXPECT_EQ(Run({"submit", "-f", "-"}), 2);
}

TEST_F(CommandLineTest, AClassFileThatCannotBeReadIsCode1) {
  EXPECT_EQ(Run({"train", "--model", "m", "--dataset", "d", "--kd", "mgd", "--teacher", "/w.pth",
                 "--teacher-model", "resnet50", "--teacher-classes", "/no/such/classes"}),
            1);
  EXPECT_THAT(err_, AllOf(HasSubstr("--teacher-classes"), HasSubstr("/no/such/classes")));
}

TEST_F(CommandLineTest, AnEvaluationOfAJobAndOfAFileIsToldThatThisIsBoth) {
  EXPECT_EQ(Run({"eval", "student", "--weights", "/w.safetensors"}), 2);
  EXPECT_THAT(err_, HasSubstr("not both: student, --weights /w.safetensors"));
}

TEST_F(CommandLineTest, WithWaitQuietPrintsTheIdAloneAndElseAnEvaluationNamesItsModel) {
  AddJob("3", "teacher", v1::JOB_STATE_SUCCEEDED);
  v1::Job done = AddJob("7", "made-up", v1::JOB_STATE_SUCCEEDED);
  done.mutable_eval()->set_job("teacher");
  server_.jobs.jobs["7"] = done;
  v1::Evaluation evaluation;
  evaluation.set_eval_job("7");
  evaluation.set_model_job("3");
  evaluation.mutable_pass()->set_split(v1::SPLIT_TEST);
  (*evaluation.mutable_metrics())["images_per_second"] = 1255.2677;
  server_.jobs.evaluations = {evaluation};

  server_.jobs.watch_streams = {{done}, {done}, {done}};
  EXPECT_EQ(Run({"eval", "teacher", "-q", "--wait"}), 0) << err_;
  EXPECT_EQ(out_, "7\n");
  EXPECT_EQ(Run({"eval", "teacher", "--wait"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("\nteacher "), HasSubstr(" 1255\n")));
  EXPECT_EQ(Run({"eval", "teacher", "--follow", "-o", "json"}), 0) << err_;
  v1::ListEvaluationsResponse evaluations;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out_, &evaluations, options).ok())
      << out_;
  EXPECT_EQ(evaluations.evaluations_size(), 1);
  v1::BatchCreateJobsResponse list;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(out_, &list, options).ok()) << out_;
  ASSERT_EQ(list.jobs_size(), 1);
  EXPECT_EQ(list.jobs(0).state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(CommandLineTest, GridSubmitsAJobForEachCombination) {
  EXPECT_EQ(Run({"train", "--name", "sweep", "--dataset", "birds", "--model", "resnet18", "--grid",
                 "lr=1e-3,3e-4", "--grid", "seed=0,1", "--max-parallel", "2", "--after",
                 "teacher:any", "--gpu-memory", "12GiB"}),
            0)
      << err_;

  ASSERT_THAT(server_.jobs.batches, SizeIs(1));
  const auto& jobs = server_.jobs.batches[0].jobs();
  ASSERT_EQ(jobs.size(), 4);
  EXPECT_EQ(jobs[1].name(), "sweep-lr1e-3-seed1");
  EXPECT_EQ(jobs[1].group(), "sweep");
  EXPECT_EQ(jobs[1].max_parallel(), 2);
  EXPECT_EQ(jobs[1].train().seed(), 1);
  EXPECT_DOUBLE_EQ(jobs[3].train().optimizer().learning_rate(), 3e-4);
  EXPECT_EQ(jobs[3].labels().at("lr"), "3e-4");
  EXPECT_EQ(jobs[0].after(0).job(), "teacher");
  EXPECT_EQ(jobs[0].after(0).condition(), v1::AFTER_CONDITION_ANY);
  EXPECT_EQ(jobs[0].resources().gpu_memory_bytes(), int64_t{12} << 30);
}

TEST_F(CommandLineTest, SeedsSubmitAJobForEachInOneGroup) {
  EXPECT_EQ(Run({"train", "--name", "plain", "--dataset", "birds", "--model", "resnet18", "--seeds",
                 "0,7"}),
            0)
      << err_;

  ASSERT_THAT(server_.jobs.batches, SizeIs(1));
  const auto& jobs = server_.jobs.batches[0].jobs();
  ASSERT_EQ(jobs.size(), 2);
  EXPECT_EQ(jobs[1].name(), "plain-seed7");
  EXPECT_EQ(jobs[1].group(), "plain");
  EXPECT_EQ(jobs[1].train().seed(), 7);
}

TEST_F(CommandLineTest, TwoFlagsThatSetOneFieldOfAGridAreAUsageError) {
  const auto run = [this](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"train", "--dataset", "birds", "--model", "resnet18"});
    return Run(flags);
  };

  EXPECT_EQ(run({"--seeds", "0,1", "--grid", "seed=3,4"}), 2);
  EXPECT_THAT(err_, AllOf(HasSubstr("--seeds"), HasSubstr("--grid seed"), HasSubstr("train.seed")));
  EXPECT_EQ(run({"--grid", "lr=1e-3,2e-3", "--lr", "3"}), 2);
  EXPECT_THAT(err_, HasSubstr("--lr and --grid lr both set train.optimizer.learning_rate"));
  EXPECT_EQ(run({"--grid", "lr=1,2", "--grid", "train.optimizer.learning_rate=3,4"}), 2);
  EXPECT_THAT(err_, HasSubstr("--grid lr and --grid train.optimizer.learning_rate"));
  EXPECT_THAT(server_.jobs.batches, IsEmpty());
}

TEST_F(CommandLineTest, GridOfAnUnknownFlagIsAUsageError) {
  EXPECT_EQ(Run({"train", "--dataset", "birds", "--model", "resnet18", "--seeds", "1,1"}), 2);
  EXPECT_THAT(err_, HasSubstr("--seeds"));
  EXPECT_EQ(Run({"train", "--dataset", "birds", "--model", "resnet18", "--grid", "speed=1,2"}), 2);
  EXPECT_THAT(err_, HasSubstr("no flag of this verb: speed"));
  EXPECT_EQ(Run({"train", "--dataset", "birds", "--model", "resnet18", "--grid", "lr=fast"}), 2);
  EXPECT_THAT(err_, HasSubstr("--grid lr: "));
}

TEST_F(CommandLineTest, SubmitTellsWhatAJobLikeItUsedOfAGpu) {
  v1::MemoryPeak peak;
  peak.set_job("3");
  peak.set_bytes(int64_t{10'093'173'146});
  server_.jobs.last_memory_peak = peak;

  EXPECT_EQ(Run({"train", "--name", "a", "--dataset", "birds", "--model", "resnet18", "--dry-run",
                 "--gpu-memory", "8GiB"}),
            0);

  EXPECT_THAT(err_,
              HasSubstr("GPU memory: last time 9.4 GiB (job 3) of 8.0 GiB declared; that may be "
                        "too little"));
}

}  // namespace
}  // namespace distill::client
