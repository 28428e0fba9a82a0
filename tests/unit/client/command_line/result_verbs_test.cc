#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "core/base/durable_file.h"
#include "core/format/safetensors_view.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/client/command_line/command_line_fixture.h"

namespace distill::client {
namespace {

using distill::testing::IsOk;
using distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST_F(CommandLineTest, AnotherFileThanTheModelKeepsItsNameAndHurtsNoModel) {
  const TempDir folder;
  AddJob("1", "student", v1::JOB_STATE_SUCCEEDED);
  server_.jobs.content = "lineage";
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());

  EXPECT_EQ(Run({"get-model", "student", "--artifact", "lineage.json"}), 0) << err_;
  EXPECT_EQ(Run({"get-model", "student", "--artifact", "checkpoints/last.safetensors"}), 0) << err_;

  std::filesystem::current_path(before);
  EXPECT_EQ(ReadFile(folder.path() / "student-lineage.json").value(), "lineage");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "student-last.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "student.safetensors"));
}

TEST_F(CommandLineTest, AFileThatCannotBeWrittenIsCode1Everywhere) {
  const TempDir folder;
  AddJob("1", "student", v1::JOB_STATE_SUCCEEDED).mutable_train()->set_dataset("birds");
  server_.jobs.content = "weights";
  const std::string file = (folder.path() / "file").string();
  std::ofstream(file) << "no folder";

  EXPECT_EQ(Run({"get-model", "student", "-o", file + "/x.safetensors"}), 1) << err_;
  EXPECT_EQ(Run({"report", "student", "-o", file + "/x.html"}), 1) << err_;
  EXPECT_EQ(Run({"metrics", "student", "--tensorboard", file + "/x"}), 1) << err_;
  EXPECT_EQ(Run({"get-model", "student", "-o", "/no/such/folder/x.safetensors"}), 1) << err_;
}

TEST_F(CommandLineTest, AMetricThatTheJobDoesNotHaveIsToldWhichThereAre) {
  for (const char* name : {"train/loss", "val/accuracy"}) {
    auto& series = *server_.jobs.metrics.add_series();
    series.set_name(name);
    series.add_points()->set_value(1);
  }
  EXPECT_EQ(Run({"metrics", "a", "--name", "val/acc"}), 0);
  EXPECT_EQ(err_, "no points of val/acc (yet); there are: train/loss, val/accuracy\n");
  EXPECT_EQ(Run({"metrics", "a", "--name", "val/accuracy"}), 0);
  EXPECT_EQ(err_, "");
}

TEST_F(CommandLineTest, TheTableOverSeedsNamesARepeatedRunAndIsJsonToo) {
  for (const char* id : {"1", "2"}) {
    v1::Job& job = AddJob(id, std::string("s") + id, v1::JOB_STATE_SUCCEEDED);
    job.mutable_train()->set_model("resnet18");
    server_.jobs.jobs[id] = job;
  }
  ASSERT_EQ(Run({"table", "--seeds", "1", "2"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("-           1  "));
  EXPECT_THAT(err_, HasSubstr("s2 (id 2) is left out"));
  ASSERT_EQ(Run({"table", "--seeds", "1", "2", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("\"mean\": null"), HasSubstr("\"left_out\": [")));
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

}  // namespace
}  // namespace distill::client
