#include "core/train/preflight.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/checkpoint/safetensors.h"
#include "core/train/trainer.h"
#include "tests/fakes/recording_listener.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::RecordingListener;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kFlightClasses = 3;
constexpr int64_t kFlightParameters = 11'178'051;  // resnet18 of 3 classes: 11,689,512 - 997 * 513

class PreflightTest : public ::testing::Test {
 protected:
  PreflightTest() { distill::testing::WriteTinyManifest(Manifest(), kFlightClasses, 12); }

  std::filesystem::path Manifest() const { return dir_.path() / "manifest.csv"; }

  TrainOptions Options(const std::string& run) const {
    TrainOptions options;
    options.model = "resnet18";
    options.manifest = Manifest();
    options.run_directory = dir_.path() / run;
    std::filesystem::create_directories(options.run_directory);
    options.image_size = 32;
    options.normalization = {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
    options.batch_size = 9;
    options.epochs = options.schedule.epochs = 1;
    return options;
  }

  std::vector<std::string> NoticesOf(const TrainOptions& options) {
    RecordingListener listener;
    EXPECT_OK(Train(options, listener));
    return listener.notices;
  }

  std::vector<std::string> WarningsOf(const TrainOptions& options) {
    RecordingListener listener;
    EXPECT_OK(Train(options, listener));
    return listener.warnings;
  }

  std::filesystem::path WriteWeights(uint64_t seed) const {
    at::manual_seed(seed);
    const auto model = CreateModel("resnet18", kFlightClasses);
    TensorFile file;
    file.tensors = (*model)->State();
    const auto path = dir_.path() / "weights.safetensors";
    EXPECT_OK(WriteSafetensors(path, file));
    return path;
  }

  static MemoryEstimate EstimateAt(TrainOptions options, int64_t image_size) {
    options.image_size = image_size;
    const auto manifest = ReadManifest(options.manifest);
    auto student = CreateModel(options.model, kFlightClasses);
    EXPECT_OK(student);
    const auto objective =
        Objective::Create(options, TrainingSplitOf(*manifest), **student, at::kCPU);
    EXPECT_OK(objective);
    const auto optimizer = Optimizer::Create((*student)->Parameters(), options.optimizer);
    EXPECT_OK(optimizer);
    const ImageNormalizer normalizer(options.normalization.mean, options.normalization.std,
                                     at::kCPU);
    return EstimateMemory(
        {options, *manifest, **student, **objective, **optimizer, normalizer, at::kCPU});
  }

  distill::testing::TempDir dir_;
};

TEST_F(PreflightTest, TellsClassesPixelsTeacherTermsAndMemory) {
  TrainOptions options = Options("run");
  DistillationOptions& distillation = options.distillation.emplace();
  distillation.teachers = {{"resnet18", WriteWeights(1), options.normalization, {}, 0, 1}};
  distillation.terms.emplace_back();
  DistillationTermOptions& hint = distillation.terms.emplace_back();
  hint.method = DistillationMethod::kFitNet;
  hint.blocks = {4};

  const std::vector<std::string> notices = NoticesOf(options);

  EXPECT_THAT(notices, Contains(AllOf(HasSubstr("3 classes, 27 training images, 9 for validation"),
                                      HasSubstr("fewest of a class: 9"))));
  EXPECT_THAT(notices, Contains(HasSubstr("normalised pixels have mean")));
  EXPECT_THAT(notices, Contains(AllOf(HasSubstr("teacher: "), HasSubstr("of 9 val images right"))));
  EXPECT_THAT(notices, Contains(HasSubstr("soft_target: logits")));
  // A 1x1 convolution from 512 to 512 channels, with biases.
  EXPECT_THAT(notices, Contains(HasSubstr("fitnet: block 4, student 512x1x1, teacher 512x1x1, "
                                          "262656 trained parameters of its own")));
  EXPECT_THAT(notices, Contains(HasSubstr("a step needs about")));
}

TEST_F(PreflightTest, ARunThatIsAsItShouldBeGetsNoWarning) {
  RecordingListener listener;

  EXPECT_OK(Train(Options("run"), listener));

  EXPECT_THAT(listener.notices, Contains(HasSubstr("3 classes, 27 training images")));
  EXPECT_THAT(listener.warnings, IsEmpty());
}

TEST_F(PreflightTest, WarnsOfATeacherNoBetterThanChance) {
  TrainOptions options = Options("run");
  DistillationOptions& distillation = options.distillation.emplace();
  distillation.teachers = {{"resnet18", WriteWeights(1), options.normalization, {}, 0, 1}};
  distillation.terms.emplace_back();

  EXPECT_THAT(WarningsOf(options), ElementsAre(HasSubstr("teacher is no better than chance")));
}

TEST_F(PreflightTest, AResumedRunTellsNothingAgain) {
  TrainOptions options = Options("run");
  NoticesOf(options);
  options.epochs = options.schedule.epochs = 2;
  options.resume_from = {options.run_directory / "last.ckpt"};

  EXPECT_THAT(NoticesOf(options), Not(Contains(HasSubstr("pre-flight"))));
}

TEST_F(PreflightTest, LeavesTheRunAsItIs) {
  // The same weights whether or not anything was looked at: a resumed run begins without.
  TrainOptions options = Options("straight");
  options.epochs = options.schedule.epochs = 2;
  NoticesOf(options);
  TrainOptions first = Options("first");
  first.schedule.epochs = 2;
  NoticesOf(first);
  TrainOptions second = Options("second");
  second.epochs = second.schedule.epochs = 2;
  second.resume_from = {first.run_directory / "last.ckpt"};
  NoticesOf(second);

  const auto left = ReadTensorFile(options.run_directory / "last.safetensors");
  const auto right = ReadTensorFile(second.run_directory / "last.safetensors");
  ASSERT_OK(left);
  ASSERT_OK(right);
  for (size_t i = 0; i < left->tensors.size(); ++i) {
    EXPECT_TRUE(at::equal(left->tensors[i].tensor, right->tensors[i].tensor))
        << left->tensors[i].name;
  }
}

TEST_F(PreflightTest, WarnsOfWeightsWithoutNormStatistics) {
  TrainOptions options = Options("run");
  options.initial_weights = WriteWeights(1);
  EXPECT_THAT(WarningsOf(options), Contains(HasSubstr("folded into the convolutions")));

  TrainOptions trained = Options("trained");
  trained.initial_weights = options.run_directory / "best.safetensors";
  EXPECT_THAT(NoticesOf(trained), Not(Contains(HasSubstr("folded"))));
}

TEST_F(PreflightTest, WarnsOfPixelsFarFromZero) {
  TrainOptions options = Options("run");
  options.normalization = {{0.5, 0.5, 0.5}, {0.001, 0.001, 0.001}};

  EXPECT_THAT(WarningsOf(options), Contains(HasSubstr("pixels should lie around 0")));
}

TEST_F(PreflightTest, ABatchThatNoMemoryHoldsFailsBeforeTheFirstStep) {
  TrainOptions options = Options("run");
  options.image_size = 128;
  options.batch_size = 65'000;  // of about 20 MiB each
  RecordingListener listener;

  EXPECT_THAT(Train(options, listener),
              StatusIs(Code::kFailedPrecondition, HasSubstr("smaller batch_size")));
  EXPECT_TRUE(listener.epochs.empty());
}

TEST_F(PreflightTest, EstimateAddsUpWhatIsKept) {
  const TrainOptions options = Options("run");
  const MemoryEstimate small = EstimateAt(options, 64);
  const MemoryEstimate large = EstimateAt(options, 128);

  // Weights, two kinds of gradients, two moments of AdamW; buffers and padding are below 1 %.
  EXPECT_NEAR(static_cast<double>(small.fixed), 4.0 * 5 * kFlightParameters,
              0.01 * 4 * 5 * kFlightParameters);
  EXPECT_EQ(small.fixed, large.fixed);
  // Maps have four times as many pixels.
  EXPECT_NEAR(static_cast<double>(large.per_image) / static_cast<double>(small.per_image), 4, 0.1);
  // The first convolution alone leaves 64 maps of 32x32, in float32, and its batch norm as many.
  EXPECT_GT(small.per_image, 2 * 4 * 64 * 32 * 32);
  TrainOptions twice = options;
  twice.r_drop.emplace();
  EXPECT_EQ(EstimateAt(twice, 64).per_image, 2 * small.per_image);
}

}  // namespace
}  // namespace distill::core
