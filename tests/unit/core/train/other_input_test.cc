// Runs whose weights are replaced: between hashing and reading, and between two attempts.
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/base/architecture.h"
#include "core/data/manifest.h"
#include "core/train/trainer.h"
#include "tests/fakes/recording_listener.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/eval/script_files.h"
#include "tests/unit/core/eval/teacher_files.h"

namespace distill::core {
namespace {

using ::distill::testing::IsOk;
using ::distill::testing::RecordingListener;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kInputClasses = 3;

class OtherInputTest : public ::testing::Test {
 protected:
  OtherInputTest() {
    distill::testing::WriteTinyManifest(dir_.path() / "manifest.csv", kInputClasses, 8);
    options_.model = testing::kTeacherModel;
    options_.manifest = dir_.path() / "manifest.csv";
    options_.run_directory = dir_.path() / "first";
    options_.image_size = 32;
    options_.normalization = testing::TeacherFiles::Normalization();
    options_.batch_size = 9;
    options_.epochs = 1;
    options_.schedule.epochs = 2;
    options_.initial_weights = files_.Make(kInputClasses, 1).weights;
    DistillationOptions& distillation = options_.distillation.emplace();
    distillation.teachers = {files_.Make(kInputClasses, 2)};
    distillation.terms.emplace_back();
    Hash();
  }

  // As an attempt does before it reads anything.
  void Hash() {
    HashedFile manifest = HashFile("data set", options_.manifest);
    manifest.sha256 = ManifestSha256(*ReadManifest(options_.manifest));
    options_.inputs = {manifest, HashFile("initial weights", options_.initial_weights),
                       HashFile("teacher", Teacher())};
  }

  const std::filesystem::path& Teacher() const {
    return options_.distillation->teachers[0].weights;
  }

  // Puts other weights, which fit as well, under a name.
  void Replace(const std::filesystem::path& path) {
    std::filesystem::rename(files_.Make(kInputClasses, 3).weights, path);
  }

  Status Run() {
    std::filesystem::create_directories(options_.run_directory);
    return Train(options_, listener_).status();
  }

  // What comes after the attempt that wrote last.ckpt.
  Status GoOn() {
    options_.resume_from = {dir_.path() / "first" / "last.ckpt"};
    options_.run_directory = dir_.path() / "second";
    options_.epochs = 2;
    Hash();
    return Run();
  }

  distill::testing::TempDir dir_;
  testing::TeacherFiles files_;
  TrainOptions options_;
  RecordingListener listener_;
};

TEST_F(OtherInputTest, ATeacherReplacedBeforeItIsReadFailsTheAttempt) {
  Replace(Teacher());

  EXPECT_THAT(Run(), StatusIs(Code::kAborted, AllOf(HasSubstr("teacher: the file changed"),
                                                    HasSubstr(Teacher().string()))));
  EXPECT_TRUE(listener_.steps.empty());
  EXPECT_TRUE(listener_.epochs.empty());
}

TEST_F(OtherInputTest, WeightsThatAreWrittenJustNowAreSaidToChangeNotToBeDamaged) {
  std::ofstream(options_.initial_weights, std::ios::binary) << "half a";

  EXPECT_THAT(Run(), StatusIs(Code::kAborted, HasSubstr("initial weights: the file changed")));
}

// Throws as LibTorch does while the weights are read: when the run first tells of them.
class ThrowingListener final : public RunListener {
 public:
  void OnStart(const StartReport& /*report*/) override {}
  void OnStep(const StepReport& /*report*/) override {}
  void OnEpoch(const EpochReport& /*report*/) override {}
  void OnArtifact(const ArtifactReport& /*report*/) override {}
  void OnNotice(NoticeLevel /*level*/, const std::string& message) override {
    TORCH_CHECK(message.find("initial weights") == std::string::npos, "sizes do not match");
  }
  bool ShouldStop() const override { return false; }
};

TEST_F(OtherInputTest, WhatIsThrownOverWeightsThatChangedIsToldAfterThat) {
  ThrowingListener listener;
  std::filesystem::create_directories(options_.run_directory);
  EXPECT_THAT(Train(options_, listener), StatusIs(Code::kInternal, "sizes do not match"));

  Replace(options_.initial_weights);

  EXPECT_THAT(Train(options_, listener),
              StatusIs(Code::kAborted, AllOf(HasSubstr("initial weights: the file changed"),
                                             HasSubstr("sizes do not match"))));
}

TEST_F(OtherInputTest, AProgramReplacedBeforeItIsReadFailsTheAttemptWhateverComesOfIt) {
  TeacherOptions& teacher = options_.distillation->teachers[0];
  teacher.model = std::string(kTorchScript);
  teacher.image_size = 32;
  const std::filesystem::path path = dir_.path() / "teacher.pt";
  teacher.weights = path;
  // One that teaches as well, one that fails when it is tried, and one that LibTorch cannot read.
  for (const char* next : {"features.pt", "dict.pt", "../make_fixtures.py"}) {
    std::filesystem::copy_file(distill::testing::ScriptFile("logits.pt"), path,
                               std::filesystem::copy_options::overwrite_existing);
    Hash();
    std::filesystem::remove(path);
    std::filesystem::copy_file(distill::testing::ScriptFile(next), path);

    EXPECT_THAT(Run(), StatusIs(Code::kAborted, HasSubstr("teacher: the file changed"))) << next;
  }
}

// Nothing is mapped at address 0: the kernel gives EIO, as of a disk that fails.
TEST_F(OtherInputTest, StorageThatFailsIsNotTheDevicesFault) {
  options_.initial_weights = "/proc/self/mem";
  Hash();

  EXPECT_THAT(Run(), StatusIs(Code::kAborted, HasSubstr("/proc/self/mem: Input/output error")));
}

TEST_F(OtherInputTest, AResumedRunRefusesAnotherTeacherAndGoesOnWithTheOld) {
  ASSERT_OK(Run());
  const std::string hash = options_.inputs[2].sha256;
  const std::filesystem::path kept = dir_.path() / "kept";
  std::filesystem::rename(Teacher(), kept);
  Replace(Teacher());

  const Status refused = GoOn();

  EXPECT_THAT(refused,
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("teacher: the run began with other content"),
                             HasSubstr("put the old file back"), HasSubstr("submit a new job"),
                             HasSubstr(Teacher().string()),
                             HasSubstr("has SHA-256 " + options_.inputs[2].sha256 + " now"),
                             HasSubstr("then it was " + hash))));
  EXPECT_EQ(listener_.epochs.size(), 1U);

  std::filesystem::rename(kept, Teacher());
  EXPECT_THAT(GoOn(), IsOk());
  EXPECT_EQ(listener_.epochs.size(), 2U);
}

TEST_F(OtherInputTest, AResumedRunRefusesOtherInitialWeights) {
  ASSERT_OK(Run());
  Replace(options_.initial_weights);

  EXPECT_THAT(GoOn(), StatusIs(Code::kFailedPrecondition,
                               HasSubstr("initial weights: the run began with other content")));
}

// The model of a job that was trained anew lies in the folder of its newest attempt.
TEST_F(OtherInputTest, WeightsOfAnotherPlaceAreWhatTheyHold) {
  ASSERT_OK(Run());
  const std::filesystem::path old = Teacher();
  options_.distillation->teachers[0].weights = dir_.path() / "moved.safetensors";
  std::filesystem::copy_file(old, Teacher());
  EXPECT_THAT(GoOn(), IsOk());

  Replace(Teacher());
  EXPECT_THAT(GoOn(), StatusIs(Code::kFailedPrecondition,
                               AllOf(HasSubstr(Teacher().string() + " has SHA-256"),
                                     HasSubstr("then it was that of " + old.string()))));
}

TEST_F(OtherInputTest, AResumedRunRefusesAnotherDataSet) {
  ASSERT_OK(Run());
  distill::testing::WriteTinyManifest(options_.manifest, kInputClasses, 9);

  EXPECT_THAT(GoOn(), StatusIs(Code::kFailedPrecondition,
                               AllOf(HasSubstr("data set: the run began with other content"),
                                     HasSubstr(options_.manifest.string()))));
}

TEST_F(OtherInputTest, ACheckpointThatNamesNoWeightsIsResumed) {
  options_.inputs.clear();  // as before checkpoints had them
  ASSERT_OK(Run());

  EXPECT_THAT(GoOn(), IsOk());
}

}  // namespace
}  // namespace distill::core
