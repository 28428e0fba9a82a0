#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "core/base/sha256.h"
#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Lineage : public Lab {
 protected:
  std::string Hash(const std::filesystem::path& file) { return Sha256HexOfFile(file).value(); }
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
