#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "core/base/fault_point.h"
#include "core/base/sha256.h"
#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Lineage : public Lab {
 protected:
  std::string Hash(const std::filesystem::path& file) { return Sha256HexOfFile(file).value(); }

  // Returns what an attempt, from 1, told of the files that it hashed.
  nlohmann::json LineageOf(const std::string& job, size_t attempt) {
    std::ifstream file(RunDirectory(job, attempt) / "lineage.json");
    return nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  }
};

TEST_F(Lineage, AnEvaluationIsTracedBackToTheFirstFile) {
  const std::filesystem::path first = folder() / "weights" / "first.safetensors";
  Train("origin", "mobilenetv2", 1);
  AwaitSuccess("origin");
  CtlOk({"get-model", "origin", "-o", first.string()});
  Train("teacher", "mobilenetv2", 1, {"--weights", first.string()});
  Train("student", "mobilenetv2", 1, {"--kd", "soft-target", "--teacher", "teacher"});
  CtlOk({"eval", "student", "--name", "verdict"});
  AwaitSuccess("verdict");

  const auto chain =
      nlohmann::json::parse(CtlOk({"--output", "json", "show", "verdict", "--lineage"}));

  // The job "origin" is behind a file that was copied by hand: only the file itself is known.
  const nlohmann::json& runs = chain["runs"];
  ASSERT_EQ(runs.size(), 3U);
  CtlOk({"get-model", "student", "-o", (folder() / "student.safetensors").string()});
  CtlOk({"get-model", "teacher", "-o", (folder() / "teacher.safetensors").string()});
  EXPECT_EQ(runs[0]["evaluated_weights"]["sha256"], Hash(folder() / "student.safetensors"));
  EXPECT_EQ(runs[1]["teachers"][0]["sha256"], Hash(folder() / "teacher.safetensors"));
  EXPECT_EQ(runs[2]["initial_weights"]["sha256"], Hash(first));
  EXPECT_EQ(runs[0]["manifest_sha256"], runs[2]["manifest_sha256"]);
  EXPECT_THAT(CtlOk({"show", "verdict", "--lineage"}),
              AllOf(HasSubstr("best.safetensors of student (job "),
                    HasSubstr("best.safetensors of teacher (job "), HasSubstr(first.string())));
}

TEST_F(Lineage, AJobGoesOnOnlyWithTheTeacherThatItBeganWith) {
  const std::filesystem::path teacher = folder() / "weights" / "teacher.safetensors";
  const std::filesystem::path kept = folder() / "kept.safetensors";
  const std::filesystem::path other = folder() / "other.safetensors";
  Train("origin", "mobilenetv2", 1);
  Train("other", "mobilenetv2", 1, {"--seed", "2"});
  AwaitSuccess("origin");
  AwaitSuccess("other");
  CtlOk({"get-model", "origin", "-o", teacher.string()});
  CtlOk({"get-model", "other", "-o", other.string()});
  Train("student", "mobilenetv2", 12,
        {"--kd", "soft-target", "--teacher", teacher.string(), "--teacher-model", "mobilenetv2"});
  AwaitEpoch("student", 2);
  const std::string hash = Hash(teacher);

  // Of the same network: it would teach without a word.
  std::filesystem::rename(teacher, kept);
  std::filesystem::rename(other, teacher);
  ASSERT_NE(Hash(teacher), hash);
  ::kill(-WorkerPid("student"), SIGKILL);

  EXPECT_NE(Ctl({"wait", "--timeout", "300s", "student"}).exit_code, 0);
  EXPECT_EQ(State("student"), "JOB_STATE_FAILED");
  EXPECT_THAT(Job("student").value("message", ""),
              AllOf(HasSubstr("teacher: the run began with other content"),
                    HasSubstr("put the old file back and requeue the job"),
                    HasSubstr(teacher.string() + " has SHA-256 " + Hash(teacher) + " now"),
                    HasSubstr("then it was " + hash)));

  std::filesystem::rename(kept, teacher);
  CtlOk({"requeue", "student"});
  AwaitSuccess("student");
  const nlohmann::json attempts = Job("student")["attempts"];
  EXPECT_EQ(attempts.size(), 3U);
  EXPECT_GE(attempts.back().value("resumed_from_epoch", 0), 2);
}

TEST_F(Lineage, WeightsReplacedBetweenHashingAndReadingAreReadAnewByTheNextAttempt) {
  if (!kHasFaultPoints) GTEST_SKIP() << "the build has no fault points";
  const std::filesystem::path teacher = folder() / "weights" / "teacher.safetensors";
  const std::filesystem::path start = folder() / "weights" / "start.safetensors";
  const std::filesystem::path old = folder() / "old.safetensors";
  const std::filesystem::path other = folder() / "other.safetensors";
  Train("old", "resnet8", 1);
  Train("other", "resnet8", 1, {"--seed", "2"});
  for (const auto& [job, file] : {std::pair("old", old), std::pair("other", other)}) {
    AwaitSuccess(job);
    CtlOk({"get-model", job, "-o", file.string()});
  }
  std::filesystem::copy_file(old, teacher);
  std::filesystem::copy_file(old, start);
  const auto replace = [&](const std::filesystem::path& file) {
    std::filesystem::copy_file(other, folder() / "new");
    std::filesystem::rename(folder() / "new", file);
  };
  const std::vector<std::string> flags = {"--kd",           "soft-target",     "--teacher",
                                          teacher.string(), "--teacher-model", "resnet8",
                                          "--weights",      start.string()};
  EndDaemon(SIGTERM);
  SetWorkerFault("stop@input.before_read");
  StartDaemon();

  // First the teacher, then the initial weights are replaced as soon as they are hashed.
  Train("student", "resnet8", 1, flags);
  WhileStopped("student", 1, [&] { replace(teacher); });
  WhileStopped("student", 2, [&] { replace(start); });
  WhileStopped("student", 3, [] {});
  AwaitSuccess("student");

  const nlohmann::json attempts = Job("student")["attempts"];
  ASSERT_EQ(attempts.size(), 3U);
  const std::vector<std::pair<std::string, std::filesystem::path>> changes = {
      {"teacher", teacher}, {"initial weights", start}};
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& [role, file] = changes[i];
    EXPECT_EQ(attempts[i].value("cause", ""), "CAUSE_STORAGE");
    EXPECT_THAT(
        attempts[i].value("message", ""),
        AllOf(HasSubstr(role + ": the file changed while it was read"), HasSubstr(file.string())));
  }
  EXPECT_EQ(LineageOf("student", 1)["teachers"][0]["sha256"], Hash(old));
  EXPECT_EQ(LineageOf("student", 2)["initial_weights"]["sha256"], Hash(old));
  EXPECT_EQ(LineageOf("student", 3)["teachers"][0]["sha256"], Hash(other));
  EXPECT_EQ(LineageOf("student", 3)["initial_weights"]["sha256"], Hash(other));
  // What was read is what the last attempt names: a run that nobody disturbs ends in the same bits.
  Train("undisturbed", "resnet8", 1, flags);
  WhileStopped("undisturbed", 1, [] {});
  AwaitSuccess("undisturbed");
  EXPECT_EQ(TensorsOf("student"), TensorsOf("undisturbed"));
}

TEST_F(Lineage, AStateDictThatWasHandedOutIsTakenBack) {
  Train("student", "mobilenetv2", 1);
  CtlOk({"eval", "student", "--name", "of-job"});
  AwaitSuccess("of-job");
  const std::filesystem::path file = folder() / "weights" / "student.pth";
  CtlOk({"get-model", "student", "--format", "pth", "-o", file.string()});

  CtlOk({"eval", "--weights", file.string(), "--model", "mobilenetv2", "--dataset", "tiny",
         "--image-size", "32", "--name", "of-file"});
  AwaitSuccess("of-file");

  const auto evaluation = [&](const std::string& job) {
    return nlohmann::json::parse(
        CtlOk({"--output", "json", "evaluations", job}))["evaluations"][0]["metrics"];
  };
  EXPECT_EQ(evaluation("of-file")["loss"], evaluation("of-job")["loss"]);
}

}  // namespace
}  // namespace distill::testing
