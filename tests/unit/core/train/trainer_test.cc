#include "core/train/trainer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/checkpoint/tensor_file.h"
#include "core/device/device.h"
#include "core/device/host_tuning.h"
#include "tests/fakes/recording_listener.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::IsOk;
using ::distill::testing::RecordingListener;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kClasses = 3;
constexpr int kImagesPerClass = 12;

// One data set for all tests of the suite.
class TrainerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    KeepFreedMemory();
    SetNumThreads(1);
    SetDeterministic(true, /*is_on_gpu=*/TestDevice() != "cpu");
    shared_ = new TempDir;
    distill::testing::WriteTinyManifest(Manifest(), kClasses, kImagesPerClass);
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  // The same tests run on a GPU: see CMakeLists.txt.
  static std::string TestDevice() {
    const char* const device = std::getenv("DISTILL_TEST_DEVICE");
    return device == nullptr ? "cpu" : device;
  }

  static std::filesystem::path Manifest() { return shared_->path() / "manifest.csv"; }

  // Of a network that is small: most of a step of a large one is the same, and takes its time.
  TrainOptions Options(const std::string& run, const std::string& model = "resnet8") const {
    TrainOptions options;
    options.model = model;
    options.manifest = Manifest();
    options.run_directory = dir_.path() / run;
    std::filesystem::create_directories(options.run_directory);
    options.device = TestDevice();
    options.image_size = 32;
    options.normalization = {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
    options.batch_size = 9;
    options.epochs = 2;
    options.schedule.epochs = 2;
    options.augmentation.policy = AugmentationPolicy::kTrivialAugmentWide;
    options.augmentation.flip_probability = 0.5;
    return options;
  }

  // A run with everything that has a state of its own.
  TrainOptions OptionsWithEverything(const std::string& run,
                                     const std::string& model = "resnet8") const {
    TrainOptions options = Options(run, model);
    options.average.emplace();
    options.r_drop.emplace();
    options.mix.kind = BatchMixKind::kMixup;
    options.gradient_clip_norm = 5;
    options.class_balance = true;
    DistillationOptions& distillation = options.distillation.emplace();
    distillation.teachers = {{model, Teacher(model), options.normalization, {}, 0, 1}};
    const std::vector<int> blocks = {2, 3};  // networks for small pictures have no fourth
    using Method = DistillationMethod;
    for (const auto& [method, of_blocks] :
         std::vector<std::pair<Method, std::vector<int>>>{{Method::kSoftTarget, {}},
                                                          {Method::kMgd, blocks},
                                                          {Method::kSp, blocks},
                                                          {Method::kAt, blocks},
                                                          {Method::kDist, {}},
                                                          {Method::kFitNet, blocks},
                                                          {Method::kRkd, {}},
                                                          {Method::kPkt, {}}}) {
      DistillationTermOptions& term = distillation.terms.emplace_back();
      term.method = method;
      term.blocks = of_blocks;
    }
    return options;
  }

  // CRD, which takes no mixed images, with R-Drop.
  TrainOptions OptionsWithMemory(const std::string& run) const {
    TrainOptions options = OptionsWithEverything(run);
    options.mix.kind = BatchMixKind::kNone;
    options.distillation->terms.resize(1);
    options.distillation->terms[0].method = DistillationMethod::kCrd;
    options.distillation->terms[0].crd_negatives = 8;
    return options;
  }

  // Returns the weights of a teacher, which is trained once for all tests.
  std::filesystem::path Teacher(const std::string& model) const {
    TrainOptions options = Options("teacher", model);
    options.run_directory = shared_->path() / model;
    const std::filesystem::path weights = options.run_directory / "best.safetensors";
    if (std::filesystem::exists(weights)) return weights;
    std::filesystem::create_directories(options.run_directory);
    options.epochs = 1;
    RecordingListener listener;
    EXPECT_THAT(Train(options, listener), IsOk());
    return weights;
  }

  // Runs what `options` makes for a run's name: "straight", and again, stopped and resumed.
  static void ExpectTheSameBitsOfAStoppedRun(
      const std::function<TrainOptions(const std::string&)>& options) {
    const TrainOptions straight = options("straight");
    RecordingListener listener;
    ASSERT_OK(Train(straight, listener));
    const TrainOptions stopped = options("stopped");
    RecordingListener stopped_listener(/*stop_after=*/4);
    ASSERT_THAT(Train(stopped, stopped_listener), HasCode(Code::kCancelled));
    TrainOptions resumed = options("resumed");
    resumed.resume_from = {stopped.run_directory / "last.ckpt"};
    ASSERT_OK(Train(resumed, listener));

    ExpectEqualWeights(straight, resumed, "last.safetensors");
  }

  void ExpectTheSameBitsInHalfPrecision(AmpRequest amp);

  static void ExpectEqualWeights(const TrainOptions& left, const TrainOptions& right,
                                 const std::string& file) {
    const auto left_file = ReadTensorFile(left.run_directory / file);
    const auto right_file = ReadTensorFile(right.run_directory / file);
    ASSERT_OK(left_file);
    ASSERT_OK(right_file);
    ASSERT_EQ(left_file->tensors.size(), right_file->tensors.size());
    for (size_t i = 0; i < left_file->tensors.size(); ++i) {
      EXPECT_TRUE(at::equal(left_file->tensors[i].tensor, right_file->tensors[i].tensor))
          << left_file->tensors[i].name;
    }
  }

 private:
  static TempDir* shared_;
  TempDir dir_;
};

TempDir* TrainerTest::shared_ = nullptr;

TEST_F(TrainerTest, LearnsAndWritesModelsAndCheckpoint) {
  TrainOptions options = Options("run");
  options.epochs = options.schedule.epochs = 6;
  RecordingListener listener;

  const auto report = Train(options, listener);

  ASSERT_OK(report);
  EXPECT_EQ(report->epochs_done, 6);
  ASSERT_EQ(listener.epochs.size(), 6U);
  EXPECT_LT(listener.epochs.back().metrics.at("train/loss"),
            listener.epochs.front().metrics.at("train/loss"));
  EXPECT_GT(report->best_metrics.at("val/accuracy"), 1.0 / kClasses);
  EXPECT_EQ(listener.epochs.back().metrics.count("device/peak_memory_bytes"),
            TestDevice() == "cpu" ? 0U : 1U);
  for (const char* name : {"best.safetensors", "last.safetensors", "last.ckpt", "last-1.ckpt"}) {
    EXPECT_TRUE(std::filesystem::exists(options.run_directory / name)) << name;
  }
}

TEST_F(TrainerTest, FirstEpochCanBeTheBest) {
  TrainOptions options = Options("run");
  options.epochs = 1;
  RecordingListener listener;

  const auto report = Train(options, listener);

  ASSERT_OK(report);
  EXPECT_EQ(report->best_epoch, 1);
  EXPECT_TRUE(std::filesystem::exists(options.run_directory / "best.safetensors"));
}

TEST_F(TrainerTest, ExportedStudentHoldsNoTermAndNoTeacher) {
  const TrainOptions options = OptionsWithEverything("run", "resnet18");
  RecordingListener listener;
  ASSERT_OK(Train(options, listener));

  const auto student = ReadTensorFile(options.run_directory / "best.safetensors");

  ASSERT_OK(student);
  // resnet18 has 122 tensors in its state_dict (torchvision).
  EXPECT_EQ(student->tensors.size(), 122U);
}

TEST_F(TrainerTest, ATrainingCheckpointAsInitialWeightsIsItsNetworkNotItsOptimizer) {
  for (const bool has_average : {false, true}) {
    const std::string suffix = has_average ? "-averaged" : "";
    TrainOptions first = Options("first" + suffix);
    if (has_average) first.average.emplace();
    RecordingListener listener;
    ASSERT_OK(Train(first, listener));
    // Of a learning rate that moves no weight: what comes out is what was loaded.
    TrainOptions second = Options("second" + suffix);
    second.initial_weights = first.run_directory / "last.ckpt";
    second.epochs = second.schedule.epochs = 1;
    second.schedule.learning_rate = 1e-30;
    second.schedule.min_learning_rate = 0;

    ASSERT_OK(Train(second, listener));

    const auto expected = ReadTensorFile(first.run_directory / "last.safetensors");
    const auto loaded = ReadTensorFile(second.run_directory / "last.safetensors");
    ASSERT_OK(expected);
    ASSERT_OK(loaded);
    EXPECT_TRUE(at::equal(loaded->tensors.front().tensor, expected->tensors.front().tensor));
    EXPECT_THAT(listener.notices, ::testing::Contains(AllOf(HasSubstr("initial weights"),
                                                            Not(HasSubstr("skipped")))));
  }
}

TEST_F(TrainerTest, RunStoppedAtAnyStepAndResumedEndsInTheSameBits) {
  // A large network, in the shapes of which kernels divide their work.
  const auto everything = [this](const std::string& run) {
    return OptionsWithEverything(run, "resnet18");
  };
  const TrainOptions straight = everything("straight");
  RecordingListener straight_listener;
  ASSERT_OK(Train(straight, straight_listener));

  // 3 steps and 1 validation batch an epoch: in the first epoch, between two, in the second.
  for (const int64_t stop_after : {2, 4, 6}) {
    TrainOptions stopped = everything("stopped" + std::to_string(stop_after));
    RecordingListener stopped_listener(stop_after);
    ASSERT_THAT(Train(stopped, stopped_listener), HasCode(Code::kCancelled));

    TrainOptions resumed = everything("resumed" + std::to_string(stop_after));
    resumed.resume_from = {stopped.run_directory / "last.ckpt"};
    RecordingListener resumed_listener;
    ASSERT_OK(Train(resumed, resumed_listener));

    SCOPED_TRACE("stopped after " + std::to_string(stop_after));
    ExpectEqualWeights(straight, resumed, "last.safetensors");
    const Metrics& expected = straight_listener.epochs.back().metrics;
    Metrics seen = resumed_listener.epochs.back().metrics;
    for (const auto& [name, value] : expected) {
      if (name == "train/images_per_second" || name == "device/peak_memory_bytes") continue;
      EXPECT_EQ(seen.at(name), value) << name;
    }
  }
}

TEST_F(TrainerTest, MemoryOfCrdIsResumedInTheSameBits) {
  ExpectTheSameBitsOfAStoppedRun([this](const std::string& run) { return OptionsWithMemory(run); });
}

// In half precision, and beside it in float32.
void TrainerTest::ExpectTheSameBitsInHalfPrecision(AmpRequest amp) {
  const auto with_amp = [this](const std::string& run, AmpRequest request) {
    TrainOptions options = OptionsWithEverything(run);
    options.distillation->terms.resize(2);  // a term of logits, and one with trained parts
    options.amp = request;
    return options;
  };
  ExpectTheSameBitsOfAStoppedRun([&](const std::string& run) { return with_amp(run, amp); });

  const TrainOptions in_float32 = with_amp("float32", AmpRequest::kNone);
  RecordingListener listener;
  ASSERT_OK(Train(in_float32, listener));
  const auto right = ReadTensorFile(in_float32.run_directory / "last.safetensors");
  const auto left =
      ReadTensorFile(in_float32.run_directory.parent_path() / "straight" / "last.safetensors");
  ASSERT_OK(left);
  ASSERT_OK(right);
  EXPECT_FALSE(at::equal(left->tensors.front().tensor, right->tensors.front().tensor));
  EXPECT_EQ(left->tensors.front().tensor.scalar_type(), at::kFloat);
}

TEST_F(TrainerTest, RunInBfloat16IsResumedInTheSameBitsWhichAreNotThoseOfFloat32) {
  ExpectTheSameBitsInHalfPrecision(AmpRequest::kBfloat16);
}

TEST_F(TrainerTest, RunInFloat16IsResumedInTheSameBitsWithItsLossScale) {
  if (!ChooseAmp(ParseDevice(TestDevice()).value(), AmpRequest::kFloat16).ok()) {
    GTEST_SKIP() << "this LibTorch has no float16 on a CPU";
  }
  ExpectTheSameBitsInHalfPrecision(AmpRequest::kFloat16);
}

TEST_F(TrainerTest, CrdIsRefusedWithMixedImagesAndOnSeveralDevices) {
  TrainOptions mixed = OptionsWithMemory("mixed");
  mixed.mix.kind = BatchMixKind::kCutmix;
  RecordingListener listener;
  EXPECT_THAT(Train(mixed, listener), StatusIs(Code::kInvalidArgument, HasSubstr("cutmix")));
  TrainOptions several = OptionsWithMemory("several");
  several.other_devices = {TestDevice()};
  EXPECT_THAT(Train(several, listener), StatusIs(Code::kInvalidArgument, HasSubstr("one memory")));
}

TEST_F(TrainerTest, RunOnSeveralDevicesEndsInTheSameBitsAlsoWhenItWasStopped) {
  const bool is_on_cpu = TestDevice() == "cpu";
  // A GPU has one stream of random numbers.
  if (!is_on_cpu && NumCudaDevices() < 3) GTEST_SKIP() << "needs three GPUs";
  const auto on_three = [&](const std::string& run) {
    TrainOptions options = OptionsWithEverything(run);
    options.other_devices = {is_on_cpu ? "cpu" : "cuda:1", is_on_cpu ? "cpu" : "cuda:2"};
    return options;
  };
  const TrainOptions straight = on_three("straight");
  RecordingListener straight_listener;
  ASSERT_OK(Train(straight, straight_listener));
  const TrainOptions again = on_three("again");
  RecordingListener again_listener;
  ASSERT_OK(Train(again, again_listener));
  ExpectEqualWeights(straight, again, "last.safetensors");

  TrainOptions stopped = on_three("stopped");
  RecordingListener stopped_listener(/*stop_after=*/4);
  ASSERT_THAT(Train(stopped, stopped_listener), HasCode(Code::kCancelled));
  TrainOptions resumed = on_three("resumed");
  resumed.resume_from = {stopped.run_directory / "last.ckpt"};
  RecordingListener resumed_listener;
  ASSERT_OK(Train(resumed, resumed_listener));
  ExpectEqualWeights(straight, resumed, "last.safetensors");
}

TEST_F(TrainerTest, RunOnSeveralDevicesSaysWhatSeesAShareOnly) {
  TrainOptions options = OptionsWithEverything("run");
  options.other_devices = {TestDevice()};
  options.epochs = 1;
  RecordingListener listener;

  ASSERT_OK(Train(options, listener));

  EXPECT_THAT(listener.notices,
              ::testing::Contains(AllOf(HasSubstr("2 devices"), HasSubstr("batch norms"),
                                        HasSubstr("images see those of a share: sp"))));
}

TEST_F(TrainerTest, TermsOfOneMethodAreToldApart) {
  TrainOptions options = OptionsWithEverything("run");
  options.epochs = options.schedule.epochs = 1;
  std::vector<DistillationTermOptions>& terms = options.distillation->terms;
  terms.resize(1);
  terms.push_back(terms[0]);
  terms[1].temperature = 1;
  terms[1].weight = 2;
  RecordingListener listener;

  ASSERT_OK(Train(options, listener));

  const Metrics& metrics = listener.epochs.back().metrics;
  EXPECT_NE(metrics.at("train/kd/soft_target"), metrics.at("train/kd/soft_target-2"));
  EXPECT_NEAR(
      metrics.at("train/kd_loss"),
      metrics.at("train/kd/soft_target/weighted") + metrics.at("train/kd/soft_target-2/weighted"),
      1e-5);
  EXPECT_EQ(metrics.count("train/kd/soft_target-2/gradient_share"), 1U);
}

TEST_F(TrainerTest, ATermThatHardlyTeachesIsToldOfOnceItCountsInFull) {
  TrainOptions options = OptionsWithEverything("run");
  options.epochs = options.schedule.epochs = 3;
  options.distillation->terms.resize(1);
  options.distillation->terms[0].weight = 1e-6;
  options.distillation->warmup_epochs = 3;
  RecordingListener in_full;
  RecordingListener in_part;

  ASSERT_OK(Train(options, in_full));
  options.run_directory = options.run_directory.parent_path() / "in-part";
  std::filesystem::create_directories(options.run_directory);
  options.distillation->warmup_epochs = 4;
  ASSERT_OK(Train(options, in_part));

  EXPECT_THAT(in_full.warnings, ::testing::Contains(HasSubstr("hardly teaches")));
  EXPECT_THAT(in_part.warnings, Not(::testing::Contains(HasSubstr("hardly teaches"))));
}

TEST_F(TrainerTest, NumberOfDataThreadsChangesNoBit) {
  TrainOptions one = Options("one");
  TrainOptions three = Options("three");
  three.data_threads = 3;
  RecordingListener listener;
  ASSERT_OK(Train(one, listener));
  ASSERT_OK(Train(three, listener));

  ExpectEqualWeights(one, three, "last.safetensors");
}

TEST_F(TrainerTest, EmaKeepsTheLiveWeightsAndExportsTheirAverage) {
  TrainOptions plain = Options("plain");
  TrainOptions averaged = Options("averaged");
  averaged.average.emplace();
  RecordingListener plain_listener;
  RecordingListener averaged_listener;
  ASSERT_OK(Train(plain, plain_listener));
  ASSERT_OK(Train(averaged, averaged_listener));

  EXPECT_EQ(plain_listener.epochs.back().metrics.at("train/loss"),
            averaged_listener.epochs.back().metrics.at("train/loss"));
  const auto live = ReadTensorFile(plain.run_directory / "last.safetensors");
  const auto average = ReadTensorFile(averaged.run_directory / "last.safetensors");
  EXPECT_FALSE(at::equal(live->tensors[0].tensor, average->tensors[0].tensor));
}

TEST_F(TrainerTest, DivergenceNamesTermAndStep) {
  TrainOptions options = Options("run");
  options.schedule.learning_rate = 1e30;
  options.schedule.kind = ScheduleKind::kConstant;
  RecordingListener listener;

  const auto report = Train(options, listener);

  EXPECT_THAT(report, StatusIs(Code::kOutOfRange,
                               AllOf(HasSubstr("train/task_loss"), HasSubstr("step 2"))));
  EXPECT_FALSE(std::filesystem::exists(options.run_directory / "last.ckpt"));
}

TEST_F(TrainerTest, DivergenceInAnEpochsLastStepIsNotWrittenDown) {
  TrainOptions options = Options("run");
  options.batch_size = 64;  // one step an epoch
  options.schedule.learning_rate = 1e30;
  options.schedule.kind = ScheduleKind::kConstant;
  RecordingListener listener;

  EXPECT_THAT(Train(options, listener), StatusIs(Code::kOutOfRange, HasSubstr("val/loss")));
  EXPECT_FALSE(std::filesystem::exists(options.run_directory / "last.ckpt"));
}

// A batch of val holds images of a class without training images alone, which weighs nothing.
TEST_F(TrainerTest, ValLossOfBalancedClassesIsANumberAlsoOfABatchWithoutWeight) {
  TrainOptions options = Options("run");
  core::Manifest manifest = ReadManifest(Manifest()).value();
  for (ManifestEntry& entry : manifest.entries) {
    if (entry.class_index == kClasses - 1) entry.split = Split::kVal;
  }
  options.manifest = options.run_directory / "manifest.csv";
  ASSERT_OK(WriteManifest(options.manifest, manifest));
  options.class_balance = true;
  options.epochs = options.schedule.epochs = 1;
  RecordingListener listener;

  ASSERT_OK(Train(options, listener));

  EXPECT_TRUE(std::isfinite(listener.epochs.back().metrics.at("val/loss")));
}

TEST_F(TrainerTest, PatienceEndsARunThatGetsNoBetter) {
  TrainOptions options = Options("run");
  options.epochs = options.schedule.epochs = 50;
  options.schedule.learning_rate = 1e-12;
  options.schedule.min_learning_rate = 0;
  options.selection = SelectionMetric::kValAccuracy;
  options.patience = 2;
  RecordingListener listener;

  const auto report = Train(options, listener);

  ASSERT_OK(report);
  EXPECT_TRUE(report->stopped_early);
  EXPECT_EQ(report->epochs_done, report->best_epoch + 2);
}

TEST_F(TrainerTest, TeacherOfOtherClassesIsRefusedBeforeTheFirstStep) {
  TrainOptions options = Options("student");
  DistillationOptions& distillation = options.distillation.emplace();
  distillation.teachers = {
      {options.model, Teacher(options.model), options.normalization, {}, 0, 1}};
  distillation.terms.emplace_back();
  options.manifest = options.run_directory / "five.csv";
  distill::testing::WriteTinyManifest(options.manifest, 5, kImagesPerClass);
  RecordingListener listener;

  EXPECT_THAT(Train(options, listener),
              StatusIs(Code::kInvalidArgument, AllOf(HasSubstr("3 classes"), HasSubstr("5"))));
  EXPECT_TRUE(listener.epochs.empty());
}

TEST_F(TrainerTest, DataSetWithoutValidationImagesIsRefused) {
  TrainOptions options = Options("run");
  options.manifest = options.run_directory / "no-val.csv";
  distill::testing::WriteTinyManifest(options.manifest, kClasses, kImagesPerClass,
                                      /*val_fraction=*/0);
  RecordingListener listener;

  EXPECT_THAT(Train(options, listener), StatusIs(Code::kFailedPrecondition, HasSubstr("val")));
}

TEST_F(TrainerTest, CheckpointOfAnotherModelIsRefused) {
  TrainOptions other = Options("other");
  other.epochs = 1;
  RecordingListener listener;
  ASSERT_OK(Train(other, listener));
  TrainOptions options = Options("run");
  options.model = "mobilenetv2";
  options.resume_from = {other.run_directory / "last.ckpt"};

  EXPECT_THAT(Train(options, listener),
              StatusIs(Code::kFailedPrecondition, HasSubstr("another job")));
}

TEST_F(TrainerTest, RunDirectoryThatCannotBeWrittenIsAborted) {
  TrainOptions options = Options("run");
  options.run_directory = "/dev/null/run";
  RecordingListener listener;

  EXPECT_THAT(Train(options, listener), HasCode(Code::kAborted));
}

TEST_F(TrainerTest, ABatchNormWithOneValueToTakeStatisticsOfIsABadSpec) {
  TrainOptions options = Options("run", "mobilenetv2");
  options.batch_size = 1;
  RecordingListener listener;

  EXPECT_THAT(Train(options, listener),
              StatusIs(Code::kInvalidArgument, AllOf(HasSubstr("batch"), HasSubstr("image"))));
}

}  // namespace
}  // namespace distill::core
