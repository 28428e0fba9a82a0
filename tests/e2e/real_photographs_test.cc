#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

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

  // Copies a file of weights to where the daemon reads them.
  std::string CopyWeights(const std::string& name) {
    const fs::path copy = folder() / "weights" / name;
    fs::copy_file(data_ / "weights" / name, copy, fs::copy_options::skip_existing);
    return copy;
  }

  const fs::path& data() const { return data_; }

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

// A teacher of 965 species, whose classes have other names.
TEST_F(RealPhotographs, ABirdTeacherOfOtherClassesTeachesByAClassMap) {
  const std::string weights = CopyWeights("mobilenet_v2-inat-bird965.zip.pth");
  const fs::path map = folder() / "map.csv";
  std::ofstream(map) << "American_Goldfinch,Spinus tristis (American Goldfinch)\n"
                        "American_Redstart,Setophaga ruticilla (American Redstart)\n"
                        "American_Three_toed_Woodpecker,\n"
                        "Anna_Hummingbird,Calypte anna (Anna's Hummingbird)\n";
  const std::vector<std::string> teacher = {"--model",         "mobilenetv2",   "--kd",
                                            "soft-target",     "--teacher",     weights,
                                            "--teacher-model", "mobilenetv2",   "--teacher-mean",
                                            "0.5,0.5,0.5",     "--teacher-std", "0.5,0.5,0.5"};
  std::vector<std::string> mapped = teacher;
  mapped.insert(mapped.end(), {"--teacher-classes", (data() / "weights/inat_bird_labels.txt"),
                               "--teacher-class-map", map.string()});
  TrainOnBirds("student", mapped);
  AwaitSuccess("student");

  EXPECT_THAT(CtlOk({"logs", "student"}), HasSubstr("knows 3 of the classes"));
  CtlOk({"eval", "student", "--name", "compared", "--split", "test"});
  AwaitSuccess("compared");
  const auto evaluation = nlohmann::json::parse(CtlOk({"evaluations", "compared", "-o", "json"}));
  const auto& metrics = evaluation["evaluations"][0]["metrics"];
  // Of four classes it knows three: a quarter of the images is always wrong.
  EXPECT_GT(metrics["teacher_accuracy"].get<double>(), 0.6);
  EXPECT_GT(metrics["teacher_agreement"].get<double>(), 0);

  std::vector<std::string> unmapped = {"train", "--name", "unmapped", "--dataset", "birds"};
  unmapped.insert(unmapped.end(), teacher.begin(), teacher.end());
  unmapped.insert(unmapped.end(),
                  {"--teacher-classes", (data() / "weights/inat_bird_labels.txt").string()});
  const Finished refused = Ctl(unmapped);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("--teacher-class-map"));
}

// Its classes are numbered; most have no picture here.
TEST_F(RealPhotographs, WeightsOfAThousandClassesAreEvaluatedOnPicturesOfFew) {
  const std::string weights = CopyWeights("mobilenet_v2-imagenet.safetensors");
  fs::copy(data() / "imagenet48", folder() / "imagenet48");
  const auto number = [](int index) {
    std::string text = std::to_string(index);
    return std::string(3 - text.size(), '0') + text;
  };
  std::ofstream list(folder() / "imagenet48.csv");
  list << "path,class,split\n";
  std::ifstream labels(data() / "reference" / "imagenet48_labels.json");
  int num_right = 0;
  for (const auto& label : nlohmann::json::parse(labels)) {
    list << "imagenet48/" << label["file"].get<std::string>() << "," << number(label["class_index"])
         << ",test\n";
    num_right += label["class_index"] == label["top1"] ? 1 : 0;
  }
  list.close();
  std::ofstream classes(folder() / "imagenet48.classes.txt");
  for (int i = 0; i < 1000; ++i) classes << number(i) << "\n";
  classes.close();
  CtlOk({"dataset", "add", "imagenet48", (folder() / "imagenet48.csv").string()});
  CtlOk({"eval", "--weights", weights, "--model", "mobilenetv2", "--dataset", "imagenet48",
         "--name", "published", "--normalization", "imagenet"});
  AwaitSuccess("published");

  const auto evaluation = nlohmann::json::parse(CtlOk({"evaluations", "published", "-o", "json"}));
  const double accuracy = evaluation["evaluations"][0]["metrics"]["accuracy"].get<double>();
  // PyTorch's, which cuts the middle out of a larger picture: a few decide otherwise.
  EXPECT_NEAR(accuracy, num_right / 48.0, 6.0 / 48);
}

TEST_F(RealPhotographs, MissingPublishedWeightsAreNamedAtSubmit) {
  const Finished refused =
      Ctl({"train", "--name", "x", "--dataset", "birds", "--model", "resnet50", "--pretrained"});

  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("resnet50-0676ba61.pth"));
}

}  // namespace
}  // namespace distill::testing
