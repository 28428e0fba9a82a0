#include <gmock/gmock.h>

#include <csignal>

#include "core/base/sha256.h"
#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TorchScriptTeacher : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    for (const char* name : {"features.pt", "logits.pt"}) {
      std::filesystem::copy_file(std::filesystem::path(DISTILL_TORCHSCRIPT_FIXTURES) / name,
                                 Weights(name));
    }
  }

  void Restart(const std::vector<std::string>& flags) {
    EndDaemon(SIGTERM);
    SetDaemonFlags(flags);
    StartDaemon();
  }

  std::filesystem::path Weights(const std::string& name) { return folder() / "weights" / name; }
};

TEST_F(TorchScriptTeacher, TeachesWithItsOwnPreprocessingWhereTheServerAllowsIt) {
  Restart({"--allow-torchscript"});
  Train("student", "resnet18", 1,
        {"--kd", "soft-target", "--kd", "mgd", "--teacher", "features.pt", "--teacher-model",
         "torchscript", "--teacher-mean", "0.5,0.5,0.5", "--teacher-std", "0.25,0.25,0.25"});
  CtlOk({"eval", "student", "--name", "verdict"});
  AwaitSuccess("verdict");

  EXPECT_EQ(EpochsOf("student", "train/kd/mgd"), CountTo(1));
  EXPECT_EQ(EpochsOf("student", "train/kd/soft_target"), CountTo(1));
  EXPECT_THAT(CtlOk({"logs", "student"}),
              HasSubstr("TorchScript, returns for 2 images logits 2x3, block 1 2x4x8x8"));
  const auto evaluations =
      nlohmann::json::parse(CtlOk({"--output", "json", "evaluations", "verdict"}));
  EXPECT_TRUE(evaluations["evaluations"][0]["metrics"].contains("teacher_agreement"));
  const auto chain =
      nlohmann::json::parse(CtlOk({"--output", "json", "show", "student", "--lineage"}));
  EXPECT_EQ(chain["runs"][0]["teachers"][0]["sha256"],
            Sha256HexOfFile(Weights("features.pt")).value());
}

TEST_F(TorchScriptTeacher, IsRefusedUnlessTheServerAllowsIt) {
  const std::vector<std::string> command = {
      "train",     "--name",          "student",     "--dataset",    "tiny",        "--model",
      "resnet18",  "--epochs",        "1",           "--kd",         "soft-target", "--teacher",
      "logits.pt", "--teacher-model", "torchscript", "--image-size", "32"};

  const Finished refused = Ctl(command);

  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("allow_torchscript"), HasSubstr("teachers[0].model")));
}

TEST_F(TorchScriptTeacher, AFileOfTheOtherKindFailsTheJobWithWhatToDo) {
  Restart({"--allow-torchscript"});
  Train("origin", "resnet18", 1);
  AwaitSuccess("origin");
  CtlOk({"get-model", "origin", "-o", Weights("weights.pth").string()});
  Train("weights", "resnet18", 1,
        {"--kd", "soft-target", "--teacher", "weights.pth", "--teacher-model", "torchscript"});
  Train("program", "resnet18", 1,
        {"--kd", "soft-target", "--teacher", "logits.pt", "--teacher-model", "resnet18"});
  for (const std::string job : {"weights", "program"}) Ctl({"wait", "--timeout", "300s", job});

  EXPECT_EQ(State("weights"), "JOB_STATE_FAILED");
  EXPECT_THAT(CtlOk({"show", "weights"}), HasSubstr("holds weights alone"));
  EXPECT_EQ(State("program"), "JOB_STATE_FAILED");
  EXPECT_THAT(CtlOk({"show", "program"}), HasSubstr("--teacher-model torchscript"));
}

}  // namespace
}  // namespace distill::testing
