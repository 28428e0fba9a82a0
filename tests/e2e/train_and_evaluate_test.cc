#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

using TrainAndEvaluate = Lab;

TEST_F(TrainAndEvaluate, ATaughtStudentEndsInTheTableAndInAFile) {
  Train("teacher", "resnet18", 2);
  Train("student", "mobilenetv2", 2, {"--kd", "soft-target", "--teacher", "teacher"});
  for (const std::string job : {"teacher", "student"}) {
    CtlOk({"eval", job, "--name", job + "-eval", "--split", "val,test", "--tta"});
  }

  for (const std::string job : {"teacher", "student", "teacher-eval", "student-eval"}) {
    AwaitSuccess(job);
  }

  const std::string table = CtlOk({"table", "--csv", "teacher", "student"});
  // Job, model and method, then six figures.
  EXPECT_THAT(table, ContainsRegex("teacher.*resnet18.*(0|1)\\.[0-9]+.*(0|1)\\.[0-9]+"));
  EXPECT_THAT(table, ContainsRegex("student.*mobilenetv2.*(0|1)\\.[0-9]+.*(0|1)\\.[0-9]+"));
  EXPECT_EQ(EpochsOf("student", "val/accuracy"), CountTo(2));
  EXPECT_EQ(EpochsOf("student", "train/kd_loss"), CountTo(2));

  const std::filesystem::path file = folder() / "student.safetensors";
  CtlOk({"get-model", "student", "-o", file.string()});
  // A safetensors file begins with the length of its JSON header; ours has the student's weights.
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(8);
  std::string header(200'000, '\0');
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  EXPECT_THAT(header, HasSubstr("\"classifier.1.weight\""));
}

TEST_F(TrainAndEvaluate, LogsAndEventsTellInformationFromWarnings) {
  Train("teacher", "resnet18", 1);
  Train("student", "resnet18", 1,
        {"--kd", "soft-target", "--teacher", "teacher", "--kd-weight", "0.000001"});
  AwaitSuccess("student");

  const std::string faint = "train/kd/soft_target/gradient_share is ";
  const std::string logs = CtlOk({"logs", "student"});
  EXPECT_THAT(logs, HasSubstr(" info notice message=\"pre-flight: 3 classes"));
  EXPECT_THAT(logs, HasSubstr(" warning notice message=\"" + faint));
  const std::string events = CtlOk({"show", "student", "--events"});
  EXPECT_THAT(events, ContainsRegex(" information +[A-Z]+ +worker +pre-flight: 3 classes"));
  EXPECT_THAT(events, ContainsRegex(" warning +[A-Z]+ +worker +" + faint));
  std::ifstream file(folder() / "distilld.log");
  const std::string log((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(log, HasSubstr(" debug notice of a worker job=2 attempt=1 message=\"pre-flight: 3"));
  EXPECT_THAT(log, HasSubstr(" warning notice of a worker job=2 attempt=1 message=\"" + faint));
}

TEST_F(TrainAndEvaluate, AStudentOfAnUnknownTeacherIsRefused) {
  const Finished refused =
      Ctl({"train", "--name", "orphan", "--dataset", "no-such-set", "--model", "mobilenetv2",
           "--epochs", "-3", "--kd", "soft-target", "--teacher", "no-such-job"});

  EXPECT_NE(refused.exit_code, 0);
  // All at once.
  EXPECT_THAT(refused.err, HasSubstr("no-such-set"));
  EXPECT_THAT(refused.err, HasSubstr("no-such-job"));
  EXPECT_THAT(refused.err, HasSubstr("epochs"));
}

TEST_F(TrainAndEvaluate, CancelLeavesACheckpoint) {
  Train("long", "mobilenetv2", 10'000);
  AwaitEpoch("long", 2);
  const pid_t worker = WorkerPid("long");

  CtlOk({"cancel", "--wait", "long"});

  EXPECT_EQ(State("long"), "JOB_STATE_CANCELLED");
  EXPECT_FALSE(IsRunning(worker));
  EXPECT_THAT(CtlOk({"artifacts", "long"}), HasSubstr("last"));
  CtlOk({"get-model", "long", "-o", (folder() / "long.safetensors").string()});
}

}  // namespace
}  // namespace distill::testing
