#include "client/command_line/command_line.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "core/base/durable_file.h"
#include "core/format/safetensors_view.h"
#include "google/rpc/error_details.pb.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/client/fake_server.h"

namespace distill::client {
namespace {

using distill::testing::IsOk;
using distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using testing::FakeServer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

class CommandLineTest : public ::testing::Test {
 protected:
  // Runs distillctl against the fake server and returns its exit code.
  int Run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(in_);
    Environment environment{out, err, in, interrupt_};
    environment.variable = [this](const char* name) -> std::string {
      if (std::string(name) == "DISTILL_SERVER") return server_.address();
      return std::string(name) == "USER" ? "ada" : "";
    };
    environment.now_unix_ms = [] { return int64_t{1'700'000'000'000}; };
    environment.poll_interval = std::chrono::milliseconds(1);
    environment.first_backoff = std::chrono::milliseconds(1);
    const ExitCode code = RunCommandLine(arguments, environment);
    out_ = out.str();
    err_ = err.str();
    return static_cast<int>(code);
  }

  v1::Job& AddJob(const std::string& id, const std::string& name, v1::JobState state) {
    v1::Job job;
    job.set_id(id);
    job.set_name(name);
    job.set_state(state);
    server_.jobs.jobs[id] = job;
    return server_.jobs.jobs[name] = job;
  }

  const v1::TrainJob& CreatedTrain() const { return server_.jobs.created.back().job().train(); }

  FakeServer server_;
  Cancellation interrupt_;
  std::string in_;
  std::string out_;
  std::string err_;
};

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

TEST_F(CommandLineTest, UnknownFlagsAndWrongValuesAreUsageErrors) {
  EXPECT_EQ(Run({"train", "--model", "m", "--learning-rat", "1"}), 2);
  EXPECT_THAT(err_, HasSubstr("--learning-rat"));
  EXPECT_EQ(Run({"train", "--model", "m", "--optimizer", "adam"}), 2);
  EXPECT_THAT(err_, AllOf(HasSubstr("--optimizer"), HasSubstr("adamw, sgd, rmsprop")));
  EXPECT_EQ(Run({"train", "--model", "m", "--lr", "fast"}), 2);
  EXPECT_EQ(Run({"--server", "127.0.0.1:1", "frobnicate"}), 2);
  EXPECT_THAT(err_, HasSubstr("no such verb: frobnicate"));
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"ls", "-o", "xml"}), 2);
  EXPECT_THAT(server_.jobs.created, IsEmpty());
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(CommandLineTest, AFlagOfTheReferenceThatHasNoEqualIsExplained) {
  EXPECT_EQ(Run({"train", "--model", "m", "--save_path", "runs/x"}), 2);
  EXPECT_THAT(err_, HasSubstr("jobs have names instead of folders: --name"));
}

TEST_F(CommandLineTest, HelpIsNoError) {
  EXPECT_EQ(Run({"train", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("--kd-ratio"));
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_, HasSubstr("distillctl"));
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

  EXPECT_EQ(Run({"train", "--model", "m"}), 1);
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

TEST_F(CommandLineTest, AFileThatIsNotThereIsAnError) {
  EXPECT_EQ(Run({"submit", "-f", "/no/such/file.yaml"}), 1);
  EXPECT_THAT(err_, HasSubstr("/no/such/file.yaml"));
}

TEST_F(CommandLineTest, ListShowsJobsAsTextAndAsJson) {
  server_.jobs.job_list = {AddJob("2", "b", v1::JOB_STATE_RUNNING),
                           AddJob("1", "a", v1::JOB_STATE_FAILED)};

  ASSERT_EQ(Run({"ls", "--state", "running,failed"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("NAME"), HasSubstr("RUNNING"), HasSubstr("FAILED")));
  EXPECT_EQ(server_.jobs.lists.back().states_size(), 2);
  ASSERT_EQ(Run({"ls", "-o", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"state\": \"JOB_STATE_RUNNING\""));
  ASSERT_EQ(Run({"ls", "-q"}), 0);
  EXPECT_EQ(out_, "b\na\n");
}

TEST_F(CommandLineTest, EventsShowChangesOfStateAndTheLevelOfWhatWasTold) {
  v1::JobEvent queued;
  queued.set_job("7");
  queued.set_to_state(v1::JOB_STATE_QUEUED);
  queued.set_actor("user ada");
  queued.set_level(v1::EVENT_LEVEL_INFORMATION);
  v1::JobEvent started = queued;
  started.set_from_state(v1::JOB_STATE_QUEUED);
  started.set_to_state(v1::JOB_STATE_STARTING);
  started.set_actor("scheduler");
  started.clear_level();  // of an older server
  v1::JobEvent warning = started;
  warning.set_from_state(v1::JOB_STATE_RUNNING);
  warning.set_to_state(v1::JOB_STATE_RUNNING);
  warning.set_actor("worker");
  warning.set_message("hardly teaches");
  warning.set_level(v1::EVENT_LEVEL_WARNING);
  server_.jobs.events = {queued, started, warning};

  ASSERT_EQ(Run({"show", "7", "--events"}), 0) << err_;

  EXPECT_THAT(out_, AllOf(ContainsRegex("information +QUEUED +user ada\n"),
                          ContainsRegex(" - +QUEUED > STARTING +scheduler\n"),
                          ContainsRegex(" warning +RUNNING +worker +hardly teaches\n")));
  ASSERT_EQ(Run({"show", "7", "--events", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"level\": \"EVENT_LEVEL_WARNING\""));
  EXPECT_EQ(Run({"show", "7", "--events", "--lineage"}), 2);
}

TEST_F(CommandLineTest, AnUnknownJobIsCode5AndAWrongStateCode6) {
  AddJob("1", "done", v1::JOB_STATE_SUCCEEDED);

  EXPECT_EQ(Run({"show", "nobody"}), 5);
  EXPECT_THAT(err_, HasSubstr("no job: nobody"));
  EXPECT_EQ(Run({"cancel", "done"}), 6);
}

TEST_F(CommandLineTest, AServerThatIsNotThereIsCode3) {
  EXPECT_EQ(Run({"ls", "--server", "127.0.0.1:1"}), 3);
  EXPECT_THAT(err_, HasSubstr("127.0.0.1:1"));
}

TEST_F(CommandLineTest, WaitReturnsTheJobsOutcome) {
  server_.jobs.watch_streams = {{AddJob("1", "a", v1::JOB_STATE_FAILED)}};
  EXPECT_EQ(Run({"wait", "a"}), 100);
  EXPECT_EQ(err_, "a FAILED\n");
  server_.jobs.watch_streams = {{AddJob("1", "a", v1::JOB_STATE_CANCELLED)}};
  EXPECT_EQ(Run({"wait", "a"}), 103);
  server_.jobs.watch_streams = {{AddJob("1", "a", v1::JOB_STATE_SUCCEEDED)}};
  EXPECT_EQ(Run({"wait", "a"}), 0);
}

TEST_F(CommandLineTest, PauseSaysWhatWasOrderedAndCanWaitForIt) {
  AddJob("1", "a", v1::JOB_STATE_RUNNING);

  EXPECT_EQ(Run({"pause", "a"}), 0);
  EXPECT_EQ(out_, "a  PAUSING\n");
  v1::Job paused = server_.jobs.jobs["a"];
  paused.set_state(v1::JOB_STATE_PAUSED);
  server_.jobs.watch_streams = {{paused}};
  EXPECT_EQ(Run({"pause", "--wait", "a"}), 0);
  paused.set_state(v1::JOB_STATE_FAILED);
  server_.jobs.watch_streams = {{paused}};
  EXPECT_EQ(Run({"pause", "--wait", "a"}), 100);
}

TEST_F(CommandLineTest, ResumeTakesPausedJobsOnly) {
  AddJob("1", "paused", v1::JOB_STATE_PAUSED);
  AddJob("2", "runs", v1::JOB_STATE_RUNNING);

  EXPECT_EQ(Run({"resume", "paused"}), 0);
  EXPECT_EQ(out_, "paused  QUEUED\n");
  EXPECT_EQ(Run({"resume", "runs"}), 6);
}

TEST_F(CommandLineTest, WaitGivesUpInTime) {
  AddJob("1", "a", v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Run({"wait", "a", "--timeout", "0.05s"}), 7);
}

TEST_F(CommandLineTest, AnInterruptDetachesAndSaysHowToComeBack) {
  AddJob("1", "a", v1::JOB_STATE_RUNNING);
  interrupt_.Cancel();

  EXPECT_EQ(Run({"watch", "1"}), 130);
  EXPECT_THAT(err_, HasSubstr("distillctl watch"));
}

TEST_F(CommandLineTest, WatchPrintsALineForEachEpochWhenItIsNoTerminal) {
  v1::Job job = AddJob("1", "a", v1::JOB_STATE_RUNNING);
  job.mutable_progress()->set_num_epochs(2);
  v1::Job second = job;
  second.mutable_progress()->set_epoch(1);
  v1::Job third = second;
  third.set_state(v1::JOB_STATE_SUCCEEDED);
  server_.jobs.watch_streams = {{job, job, second, third}};

  EXPECT_EQ(Run({"watch", "a"}), 0);
  EXPECT_EQ(out_,
            "a  RUNNING  epoch 0/2  [--------------------] 0%\n"
            "a  RUNNING  epoch 1/2  [##########----------] 50%\n"
            "a  SUCCEEDED  epoch 1/2  [##########----------] 50%\n");
}

TEST_F(CommandLineTest, TableShowsTheFiguresOfJobs) {
  AddJob("1", "teacher", v1::JOB_STATE_SUCCEEDED).mutable_train()->set_model("resnet50");
  v1::Evaluation evaluation;
  evaluation.set_model_job("1");
  evaluation.mutable_pass()->set_split(v1::SPLIT_TEST);
  (*evaluation.mutable_metrics())["accuracy"] = 0.77744;
  server_.jobs.evaluations = {evaluation};

  ASSERT_EQ(Run({"table", "teacher", "--markdown"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("| teacher | resnet50 | - | - | - | 0.7774 | - | - | - |"));
  EXPECT_EQ(Run({"table"}), 2);

  ASSERT_EQ(Run({"evaluations", "teacher"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\nteacher"));  // its name, not its id
}

TEST_F(CommandLineTest, DatasetAddWaitsForTheScan) {
  server_.datasets.dataset.set_state(v1::DATASET_STATE_READY);
  server_.datasets.dataset.add_class_names("wren");

  ASSERT_EQ(Run({"dataset", "add", "birds", "/data/birds", "--val", "0.2", "--seed", "3"}), 0)
      << err_;

  EXPECT_DOUBLE_EQ(server_.datasets.created[0].dataset().val_fraction(), 0.2);
  EXPECT_FALSE(server_.datasets.created[0].dataset().has_test_fraction());
  EXPECT_EQ(server_.datasets.created[0].dataset().path(), "/data/birds");
  EXPECT_EQ(out_, "birds  ready  1 classes, 0 train, 0 val, 0 test images\n");
}

TEST_F(CommandLineTest, ADatasetThatFailsIsAnError) {
  server_.datasets.dataset.set_state(v1::DATASET_STATE_FAILED);
  server_.datasets.dataset.set_message("no images");

  EXPECT_EQ(Run({"dataset", "add", "birds", "/data/birds"}), 1);
  EXPECT_THAT(err_, HasSubstr("no images"));
}

TEST_F(CommandLineTest, GetModelWritesTheFile) {
  const ::distill::testing::TempDir directory;
  const std::string file = (directory.path() / "student.safetensors").string();
  AddJob("1", "student", v1::JOB_STATE_SUCCEEDED);
  server_.jobs.content = "weights";

  ASSERT_EQ(Run({"get-model", "student", "-o", file}), 0) << err_;

  EXPECT_EQ(ReadFile(file).value(), "weights");
  EXPECT_THAT(out_, HasSubstr("sha256 "));
}

TEST_F(CommandLineTest, GetModelConvertsToTheFormThatFlagOrExtensionNames) {
  const TempDir directory;
  const std::string data(8, '\1');
  core::SafetensorsView view;
  view.tensors = {{"fc.weight", "F32", {1, 2}, data}};
  AddJob("1", "student", v1::JOB_STATE_SUCCEEDED);
  server_.jobs.content = core::SafetensorsStart(view).value() + data;
  const std::string file = (directory.path() / "student.pth").string();

  ASSERT_EQ(Run({"get-model", "student", "-o", file}), 0) << err_;
  EXPECT_THAT(ReadFile(file).value(), ::testing::StartsWith("PK\3\4"));
  const std::string other = (directory.path() / "student.bin").string();
  ASSERT_EQ(Run({"get-model", "student", "--format", "pth", "-o", other}), 0) << err_;
  EXPECT_EQ(ReadFile(other).value(), ReadFile(file).value());
  EXPECT_FALSE(std::filesystem::exists(file + ".weights"));

  EXPECT_EQ(Run({"get-model", "student", "--format", "h5"}), 2);
  EXPECT_EQ(Run({"get-model", "student", "--format", "pth", "--artifact", "last.ckpt"}), 2);
  EXPECT_THAT(err_, HasSubstr("last.ckpt"));
}

TEST_F(CommandLineTest, MetricsAreExportedAsCsv) {
  auto& series = *server_.jobs.metrics.add_series();
  series.set_name("val/accuracy");
  auto& point = *series.add_points();
  point.set_epoch(1);
  point.set_step(40);
  point.set_value(0.1);
  point.set_attempt(1);

  ASSERT_EQ(Run({"metrics", "a", "--csv"}), 0);
  EXPECT_EQ(out_, "name,epoch,step,value,at_unix_ms,attempt\nval/accuracy,1,40,0.1,0,1\n");
  ASSERT_EQ(Run({"metrics", "a"}), 0);
  EXPECT_THAT(out_, HasSubstr("val/accuracy"));
}

TEST_F(CommandLineTest, MetricsOfSeveralJobsAreDrawnInOnePicture) {
  auto& series = *server_.jobs.metrics.add_series();
  series.set_name("val/accuracy");
  for (int epoch = 1; epoch <= 2; ++epoch) {
    auto& point = *series.add_points();
    point.set_epoch(epoch);
    point.set_value(0.25 * epoch);
  }

  ASSERT_EQ(Run({"metrics", "teacher", "student", "--plot", "--ascii"}), 0) << err_;
  EXPECT_THAT(out_,
              AllOf(HasSubstr("val/accuracy\n  0.5|"), HasSubstr("epoch 2\n"),
                    HasSubstr("* teacher  last 0.5, min 0.25, max 0.5\n"), HasSubstr("o student")));
  EXPECT_EQ(Run({"metrics", "teacher", "student"}), 2);
  EXPECT_THAT(err_, HasSubstr("--plot"));
  EXPECT_EQ(Run({"metrics", "teacher", "--ascii"}), 2);
  EXPECT_EQ(Run({"metrics", "teacher", "--csv", "--plot"}), 2);
}

TEST_F(CommandLineTest, LogsGoToStandardOutput) {
  server_.jobs.log = "epoch 1\n";
  EXPECT_EQ(Run({"logs", "a"}), 0);
  EXPECT_EQ(out_, "epoch 1\n");
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(CommandLineTest, CompletionKnowsTheVerbsAndNotTheAliases) {
  ASSERT_EQ(Run({"completion", "bash"}), 0);
  EXPECT_THAT(out_,
              AllOf(HasSubstr("get-model"), HasSubstr("--kd-ratio"), Not(HasSubstr("--kd_ratio"))));
}

TEST_F(CommandLineTest, DevicesShowWhoHoldsThem) {
  auto& device = *server_.server.devices.add_devices();
  device.set_id("cpu");
  device.set_index(-1);
  device.set_utilization_percent(-1);
  device.set_temperature_celsius(-1);
  device.add_jobs()->set_id("12");

  ASSERT_EQ(Run({"devices"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("cpu"), HasSubstr("12")));
}

TEST_F(CommandLineTest, AReportHoldsTheJobsOfItsEvaluationsAndTheirWrongPictures) {
  const TempDir folder;
  v1::Job& teacher = AddJob("3", "teacher", v1::JOB_STATE_SUCCEEDED);
  teacher.mutable_train()->set_dataset("birds");
  server_.jobs.jobs["3"] = teacher;
  AddJob("4", "check", v1::JOB_STATE_SUCCEEDED).mutable_eval()->set_job("3");
  v1::Evaluation evaluation;
  evaluation.set_eval_job("4");
  evaluation.set_model_job("3");
  evaluation.mutable_pass()->set_split(v1::SPLIT_TEST);
  evaluation.mutable_pass()->set_tta(true);
  server_.jobs.evaluations = {evaluation};
  server_.jobs.files["wrong-test-tta.json"] =
      R"({"num_wrong": "1", "new_field": 1, "predictions": [{"path": "/data/owl.jpg"}]})";
  const std::string file = folder.path() / "page.html";

  ASSERT_EQ(Run({"report", "check", "teacher", "-o", file}), 0) << err_;

  const auto page = ReadFile(file);
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(*page, AllOf(HasSubstr("<title>teacher - distilld report</title>"),
                           HasSubstr("owl.jpg"), HasSubstr("distilld 1.2.3")));
  EXPECT_THAT(out_, HasSubstr(file));
}

TEST_F(CommandLineTest, AReportWithoutRecordedPicturesIsWrittenAllTheSame) {
  const TempDir folder;
  AddJob("3", "teacher", v1::JOB_STATE_SUCCEEDED).mutable_train()->set_dataset("birds");
  v1::Evaluation evaluation;
  evaluation.set_eval_job("4");
  evaluation.set_model_job("teacher");
  evaluation.mutable_pass()->set_split(v1::SPLIT_VAL);
  server_.jobs.evaluations = {evaluation};
  const std::string file = folder.path() / "page.html";

  ASSERT_EQ(Run({"report", "teacher", "-o", file}), 0) << err_;

  EXPECT_THAT(*ReadFile(file), HasSubstr("Not recorded"));
}

TEST_F(CommandLineTest, EventFilesForTensorBoardStandInAFolderForEachJob) {
  const TempDir folder;
  AddJob("3", "teacher", v1::JOB_STATE_RUNNING);
  AddJob("4", "../student", v1::JOB_STATE_RUNNING);
  server_.jobs.jobs["3"].set_created_at_unix_ms(1'700'000'000'123);
  v1::MetricSeries& series = *server_.jobs.metrics.add_series();
  series.set_name("val/loss");
  series.add_points()->set_value(0.5);

  ASSERT_EQ(Run({"metrics", "3", "4", "--tensorboard", folder.path()}), 0) << err_;

  const auto file = ReadFile(folder.path() / "teacher/events.out.tfevents.1700000000.distillctl");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(*file, HasSubstr("val/loss"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "job/events.out.tfevents.0.distillctl"));
}

TEST_F(CommandLineTest, WhyNamesRulePlaceHolderAndExpectedStart) {
  v1::ExplainJobResponse& answer = server_.jobs.explanation;
  answer.mutable_job()->set_id("9");
  answer.mutable_job()->set_name("student");
  answer.mutable_job()->set_state(v1::JOB_STATE_QUEUED);
  answer.set_queue_length(7);
  v1::Waiting& waiting = *answer.mutable_waiting();
  waiting.set_rule(v1::WAITING_RULE_MAX_PARALLEL);
  waiting.set_reason("waits for its turn");
  waiting.set_place(3);
  waiting.set_expected_start_unix_ms(1'700'000'000'000 + 7'500'000);
  v1::Job& holder = *answer.add_holders();
  holder.set_id("4");
  holder.set_name("teacher");
  holder.set_owner("bob");
  holder.set_state(v1::JOB_STATE_RUNNING);
  holder.mutable_progress()->set_epoch(3);
  holder.mutable_progress()->set_num_epochs(10);
  holder.mutable_progress()->set_eta_unix_ms(1'700'000'000'000 + 7'500'000);

  EXPECT_EQ(Run({"why", "student"}), 0);

  EXPECT_THAT(out_,
              AllOf(HasSubstr("student (id 9) is QUEUED\n"), HasSubstr("rule      max-parallel\n"),
                    HasSubstr("reason    waits for its turn\n"), HasSubstr("place     3 of 7\n"),
                    HasSubstr("expected  in 2h5m (2023-11-15T00:18:20Z)\n"),
                    HasSubstr("4  teacher  bob"), HasSubstr("3/10")));
}

TEST_F(CommandLineTest, WhyOfAPausedJobSaysWhatToDo) {
  v1::Job& job = *server_.jobs.explanation.mutable_job();
  job.set_name("a");
  job.set_state(v1::JOB_STATE_PAUSED);
  job.set_message("paused by user ada");

  EXPECT_EQ(Run({"why", "a"}), 0);

  EXPECT_THAT(out_, AllOf(HasSubstr("is PAUSED"), HasSubstr("paused by user ada"),
                          HasSubstr("distillctl resume a")));
}

TEST_F(CommandLineTest, QueueListsPlacesStartsAndReasons) {
  v1::QueueEntry& entry = *server_.jobs.queue.add_entries();
  entry.mutable_job()->set_id("9");
  entry.mutable_job()->set_name("student");
  entry.mutable_waiting()->set_place(1);
  entry.mutable_waiting()->set_reason("blocked: needs job 4, which FAILED");
  entry.mutable_waiting()->set_blocked(true);
  server_.jobs.queue.set_length(2);

  EXPECT_EQ(Run({"queue"}), 0);

  EXPECT_THAT(out_, HasSubstr("never   blocked: needs job 4, which FAILED"));
  EXPECT_THAT(err_, HasSubstr("there are 2 in all"));
}

TEST_F(CommandLineTest, TopShowsDevicesJobsAndOutsidersOnceWhenPiped) {
  v1::Device& device = *server_.server.devices.add_devices();
  device.set_index(0);
  device.set_name("H100");
  device.set_memory_total_bytes(int64_t{80} << 30);
  device.set_memory_used_bytes(int64_t{20} << 30);
  device.set_utilization_percent(97);
  device.set_temperature_celsius(61);
  v1::DeviceJob& job = *device.add_jobs();
  job.set_id("4");
  job.set_name("teacher");
  job.set_owner("bob");
  job.set_gpu_memory_bytes(int64_t{12} << 30);
  job.set_memory_used_bytes(int64_t{9} << 30);
  job.set_state(v1::JOB_STATE_RUNNING);
  job.mutable_progress()->set_epoch(3);
  job.mutable_progress()->set_num_epochs(10);
  v1::DeviceProcess& outsider = *device.add_outsiders();
  outsider.set_pid(77);
  outsider.set_user("eve");
  outsider.set_program("python3");
  outsider.set_memory_bytes(-1);

  EXPECT_EQ(Run({"top"}), 0);

  EXPECT_THAT(out_, AllOf(HasSubstr("20.0 GiB of 80.0 GiB"), HasSubstr("12.0 GiB"),
                          HasSubstr("97%"), HasSubstr("61 C"), HasSubstr("in use"),
                          HasSubstr("teacher"), HasSubstr("9.0 GiB"), HasSubstr("3/10"),
                          HasSubstr("python3"), HasSubstr("outsider, pid 77")));
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

TEST_F(CommandLineTest, GridOfAnUnknownFlagIsAUsageError) {
  EXPECT_EQ(Run({"train", "--dataset", "birds", "--model", "resnet18", "--seeds", "1,1"}), 2);
  EXPECT_THAT(err_, HasSubstr("--seeds"));
  EXPECT_EQ(Run({"train", "--dataset", "birds", "--model", "resnet18", "--grid", "speed=1,2"}), 2);
  EXPECT_THAT(err_, HasSubstr("no flag of this verb: speed"));
  EXPECT_EQ(Run({"train", "--dataset", "birds", "--model", "resnet18", "--grid", "lr=fast"}), 2);
  EXPECT_THAT(err_, HasSubstr("--grid lr: "));
}

TEST_F(CommandLineTest, WholeGroupIsCancelledThoseThatWaitFirst) {
  server_.jobs.job_list = {AddJob("2", "b", v1::JOB_STATE_QUEUED),
                           AddJob("1", "a", v1::JOB_STATE_RUNNING)};

  EXPECT_EQ(Run({"cancel", "--group", "sweep"}), 0);

  EXPECT_THAT(server_.jobs.cancelled, ::testing::ElementsAre("b", "a"));
  EXPECT_EQ(server_.jobs.lists[0].group(), "sweep");
  EXPECT_EQ(server_.jobs.lists[0].owner(), "ada");
}

TEST_F(CommandLineTest, EmptyGroupIsNotFoundAndNothingNamedIsAUsageError) {
  EXPECT_EQ(Run({"pause", "--group", "none"}), 5);
  EXPECT_EQ(Run({"pause"}), 2);
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
