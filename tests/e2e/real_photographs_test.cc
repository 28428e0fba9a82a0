#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "tests/e2e/lab.h"

namespace distill::testing {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr int kSpecies = 4;
constexpr double kChance = 1.0 / kSpecies;

// Photographs of birds, and MobileNetV2 as trained on ImageNet.
class RealPhotographs : public Lab {
 protected:
  void SetUp() override {
    const char* const data = std::getenv("DISTILL_TEST_DATA");
    data_ = data == nullptr ? "" : data;
    if (!fs::exists(data_ / "cub100")) GTEST_SKIP() << "no photographs in DISTILL_TEST_DATA";
    Lab::SetUp();
    for (const char* split : {"train", "test"}) CopySpecies(split);
    fs::copy_file(data_ / "weights" / "mobilenet_v2-imagenet.safetensors",
                  folder() / "weights" / "mobilenet_v2-b0353104.safetensors");
    CtlOk({"dataset", "add", "birds", (folder() / "birds").string(), "--val", "0.2"});
  }

  void TrainOnBirds(const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"train", "--name", name, "--dataset", "birds"};
    arguments.insert(arguments.end(), {"--image-size", "96", "--batch-size", "8", "--lr", "3e-4"});
    arguments.insert(arguments.end(), {"--epochs", "3", "--imagenet-meanstd"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    CtlOk(arguments);
  }

  // Returns the newest value of a metric.
  double Latest(const std::string& job, const std::string& metric) {
    return Job(job)["latest_metrics"][metric].get<double>();
  }

 private:
  void CopySpecies(const std::string& split) {
    std::set<fs::path> species;
    for (const auto& entry : fs::directory_iterator(data_ / "cub100" / split)) {
      species.insert(entry.path());
    }
    auto next = species.begin();
    for (int i = 0; i < kSpecies; ++i, ++next) {
      fs::create_directories(folder() / "birds" / split);
      fs::copy(*next, folder() / "birds" / split / next->filename());
    }
  }

  fs::path data_;
};

TEST_F(RealPhotographs, PublishedWeightsLearnBirdsInThreeEpochsAndTeachAnotherFamily) {
  TrainOnBirds("teacher", {"--model", "mobilenetv2", "--pretrained", "--augment", "autoaugment"});
  TrainOnBirds("student", {"--model", "resnet18", "--kd", "mgd", "--kd", "at", "--kd", "sp",
                           "--teacher", "teacher", "--ema", "--rdrop", "--mixup", "cutmix"});
  CtlOk({"eval", "teacher", "--name", "teacher-eval", "--split", "val,test", "--tta"});
  for (const std::string job : {"teacher", "student", "teacher-eval"}) AwaitSuccess(job);

  EXPECT_GT(Latest("teacher", "train/accuracy"), 2 * kChance);
  EXPECT_EQ(EpochsOf("student", "train/kd/mgd"), CountTo(3));
  EXPECT_THAT(CtlOk({"logs", "teacher"}), HasSubstr("loaded 312 tensors"));
  EXPECT_THAT(CtlOk({"artifacts", "teacher-eval"}), HasSubstr("confusion-test-tta.csv"));
}

TEST_F(RealPhotographs, MissingPublishedWeightsAreNamedAtSubmit) {
  const Finished refused =
      Ctl({"train", "--name", "x", "--dataset", "birds", "--model", "resnet50", "--pretrained"});

  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("resnet50-0676ba61.pth"));
}

}  // namespace
}  // namespace distill::testing
