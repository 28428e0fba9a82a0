#include "core/train/replica_group.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

#include "core/checkpoint/tensor_file.h"
#include "core/device/device.h"
#include "core/model/layer.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

constexpr int64_t kClasses = 4;
constexpr int64_t kSide = 32;

// A student without batch norms, so that a part of a batch tells as much of an image as the whole
// does. Where R-Drop wants it, its second forward of a step differs from the first one.
class SmoothStudent final : public Model {
 public:
  SmoothStudent(at::ScalarType type, bool alternates)
      : type_(type),
        alternates_(alternates),
        filter_(AddTensor("filter", at::randn({512, 3, 1, 1}, type) * 0.3, TensorKind::kWeight)),
        head_(AddTensor("head", at::randn({kClasses, 512}, type) * 0.3, TensorKind::kWeight)) {}

  ModelOutput Forward(const at::Tensor& images, bool want_blocks) override {
    if (fails_) throw std::runtime_error("no memory");
    const bool is_second = alternates_ && is_training() && ++num_forwards_ % 2 == 0;
    const double scale = is_second ? 1.5 : 1.0;
    const at::Tensor pooled = at::adaptive_avg_pool2d(images.to(type_), {1, 1});
    const at::Tensor features = at::tanh(at::conv2d(pooled, filter_) * scale);
    ModelOutput output;
    output.embedding = features.flatten(1);
    output.logits = at::linear(output.embedding, head_);
    if (want_blocks) output.blocks[3] = features;
    return output;
  }

  std::pair<std::string, std::string> classifier_names() const override { return {"head", ""}; }

  void FailFromNowOn() { fails_ = true; }

 private:
  const at::ScalarType type_;
  const bool alternates_;
  at::Tensor filter_;
  at::Tensor head_;
  int num_forwards_ = 0;
  bool fails_ = false;
};

// The session's parts, and what a step on several devices makes of them.
class ReplicaGroupTest : public ::testing::Test {
 protected:
  void SetUp() override { SetNumThreadsOnce(); }

  static void SetNumThreadsOnce() {
    static const bool done = [] {
      SetNumThreads(1);
      return true;
    }();
    static_cast<void>(done);
  }

  std::unique_ptr<ReplicaGroup> Make(size_t num_devices) {
    SeedGenerators(7);
    student_ = std::make_unique<SmoothStudent>(type_, options_.r_drop.has_value());
    auto objective = Objective::Create(options_, {kCounts, {}}, *student_, at::kCPU);
    EXPECT_OK(objective);
    objective_ = std::move(objective).value();
    auto optimizer = Optimizer::Create(TrainedParameters(*student_, *objective_), {});
    EXPECT_OK(optimizer);
    optimizer_ = std::move(optimizer).value();
    ReplicaOptions options{options_, {kCounts, {}}, {}, [this] { return MakeStudent(); }};
    options.devices.assign(num_devices - 1, at::Device(at::kCPU));
    auto group = ReplicaGroup::Create(options, {at::kCPU, *student_, *objective_, *optimizer_});
    EXPECT_OK(group);
    return std::move(group).value();
  }

  Result<std::unique_ptr<Model>> MakeStudent() {
    auto copy = std::make_unique<SmoothStudent>(type_, options_.r_drop.has_value());
    if (copies_fail_) copy->FailFromNowOn();
    return std::unique_ptr<Model>(std::move(copy));
  }

  static MixedBatch Batch(int64_t num_images) {
    at::manual_seed(11);
    MixedBatch batch;
    batch.images = at::randn({num_images, 3, kSide, kSide});
    batch.labels.labels = at::randint(kClasses, {num_images}, at::kLong);
    return batch;
  }

  struct StepResult {
    at::Tensor gradients;
    at::Tensor parts;
    at::Tensor logits;
  };
  StepResult StepOn(size_t num_devices, const MixedBatch& batch) {
    const auto group = Make(num_devices);
    const ObjectiveValue value = group->Step(batch, {});
    return {optimizer_->parameters().gradients().clone(), value.parts, value.logits};
  }

  // Rounding in float64, and in float32 for what is told.
  void ExpectThatDevicesChangeNothing(const MixedBatch& batch) {
    const StepResult one = StepOn(1, batch);
    ASSERT_GT(one.gradients.abs().max().item<double>(), 1e-3);
    for (const size_t num_devices : {2, 3}) {
      SCOPED_TRACE(std::to_string(num_devices) + " devices");
      const StepResult several = StepOn(num_devices, batch);
      EXPECT_TRUE(at::allclose(several.gradients, one.gradients, 1e-12, 1e-15))
          << (several.gradients - one.gradients).abs().max();
      EXPECT_TRUE(at::allclose(several.parts, one.parts, 1e-5, 1e-6)) << several.parts << one.parts;
      EXPECT_TRUE(at::allclose(several.logits, one.logits, 1e-12, 1e-15));
    }
  }

  // Writes a teacher; terms are the caller's.
  DistillationOptions& DistilFromResNet18() {
    type_ = at::kFloat;  // as the teacher
    TensorFile file;
    const auto teacher = CreateModel("resnet18", kClasses).value();
    file.tensors = teacher->State();
    EXPECT_OK(WriteSafetensors(dir_.path() / "teacher.safetensors", file));
    options_.image_size = kSide;
    options_.normalization = {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
    DistillationOptions& distillation = options_.distillation.emplace();
    distillation.teachers = {
        {"resnet18", dir_.path() / "teacher.safetensors", options_.normalization, {}, 0, 1}};
    return distillation;
  }

  const distill::testing::TempDir dir_;
  const std::vector<int64_t> kCounts{5, 50, 20, 2};
  TrainOptions options_;
  at::ScalarType type_ = at::kDouble;
  bool copies_fail_ = false;
  std::unique_ptr<SmoothStudent> student_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimizer> optimizer_;
};

TEST_F(ReplicaGroupTest, GradientsAreThoseOfTheWholeBatch) {
  ExpectThatDevicesChangeNothing(Batch(12));
  ExpectThatDevicesChangeNothing(Batch(11));
}

TEST_F(ReplicaGroupTest, SmallLastBatchUsesFewerDevices) {
  ExpectThatDevicesChangeNothing(Batch(5));
  ExpectThatDevicesChangeNothing(Batch(3));
}

// Each part divides by its own sum of weights, unless it knows that of the whole.
TEST_F(ReplicaGroupTest, WeightsOfClassesCountOverTheWholeBatch) {
  options_.class_balance = true;
  for (const auto kind : {TaskLossKind::kCrossEntropy, TaskLossKind::kPoly, TaskLossKind::kFocal}) {
    options_.loss.kind = kind;
    ExpectThatDevicesChangeNothing(Batch(11));
  }
}

TEST_F(ReplicaGroupTest, MixedLabelsOfWeightedClassesToo) {
  options_.class_balance = true;
  MixedBatch batch = Batch(11);
  batch.labels.mixed_labels = batch.labels.labels.flip({0});
  batch.labels.lambda = 0.3;

  ExpectThatDevicesChangeNothing(batch);
}

TEST_F(ReplicaGroupTest, RDropPenaltyIsThatOfTheWholeBatch) {
  for (const auto reduction : {RDropReduction::kSum, RDropReduction::kBatchMean}) {
    options_.r_drop = RDropOptions{0.5, reduction};
    ExpectThatDevicesChangeNothing(Batch(11));
  }
}

TEST_F(ReplicaGroupTest, TermsOfEachImageAreThoseOfTheWholeBatch) {
  DistillationOptions& distillation = DistilFromResNet18();
  for (const auto method : {DistillationMethod::kSoftTarget, DistillationMethod::kAt}) {
    DistillationTermOptions& term = distillation.terms.emplace_back();
    term.method = method;
    if (method == DistillationMethod::kAt) term.blocks = {4};
  }

  const MixedBatch batch = Batch(11);
  const StepResult one = StepOn(1, batch);
  const StepResult three = StepOn(3, batch);

  // Rounding in float32 depends on the size of a batch.
  EXPECT_TRUE(at::allclose(three.gradients, one.gradients, 1e-4, 1e-6))
      << (three.gradients - one.gradients).abs().max();
}

// total = task weight * task + min(epoch / warm-up, 1) * sum of weight * term, on every device.
TEST_F(ReplicaGroupTest, TotalWeighsTheTaskAndTheTermsOfItsEpoch) {
  DistillationOptions& distillation = DistilFromResNet18();
  distillation.terms.resize(1);
  distillation.terms[0].weight = 3;
  distillation.task_weight = 0.1;
  distillation.warmup_epochs = 4;
  const MixedBatch batch = Batch(12);
  const std::vector<double> kScales = {0.25, 0.5, 0.75, 1, 1};
  for (const size_t num_devices : {1, 3}) {
    const auto group = Make(num_devices);
    for (size_t epoch = 0; epoch < kScales.size(); ++epoch) {
      objective_->StartEpoch(static_cast<int64_t>(epoch));
      group->StartEpoch(static_cast<int64_t>(epoch));

      const at::Tensor parts = group->Step(batch, {}).parts;

      ASSERT_EQ(objective_->names()[3], "train/kd/soft_target/weighted");
      ASSERT_EQ(objective_->names()[4], "train/kd/soft_target");
      const auto part = [&parts](int64_t index) { return parts[index].item<double>(); };
      EXPECT_NEAR(part(2), 3 * kScales[epoch] * part(4), 1e-5);
      EXPECT_EQ(part(3), part(2));
      EXPECT_NEAR(part(0), 0.1 * part(1) + part(2), 1e-5);
    }
  }
}

TEST_F(ReplicaGroupTest, LossScaleMultipliesTheGradients) {
  const auto group = Make(2);
  const MixedBatch batch = Batch(8);
  group->Step(batch, {});
  const at::Tensor plain = optimizer_->parameters().gradients().clone();

  const auto scaled_group = Make(2);
  scaled_group->Step(batch, {AmpMode::kOff, 1024});

  EXPECT_TRUE(at::equal(optimizer_->parameters().gradients(), plain * 1024))
      << "a power of two loses no bit";
}

TEST_F(ReplicaGroupTest, CopiesFollowTheWeightsOfTheFirst) {
  const auto group = Make(2);
  const MixedBatch batch = Batch(8);
  group->Step(batch, {});
  optimizer_->Step(0.1);
  const at::Tensor second = (group->Step(batch, {}), optimizer_->parameters().gradients().clone());
  const at::Tensor weights = optimizer_->parameters().values().clone();

  Make(1);
  {
    const at::NoGradGuard no_grad;
    optimizer_->parameters().values().copy_(weights);
  }
  ComputeGradients(*student_, *objective_, {batch, 1.0}, {});
  optimizer_->CollectGradients();

  EXPECT_TRUE(at::allclose(optimizer_->parameters().gradients(), second, 1e-12, 1e-15));
}

TEST_F(ReplicaGroupTest, FailureOfACopyFailsTheStepAndOnlyIt) {
  copies_fail_ = true;
  const auto group = Make(3);

  EXPECT_THROW(group->Step(Batch(9), {}), std::runtime_error);
  EXPECT_NO_THROW(group->Step(Batch(3), {})) << "three images go to the first device alone";
}

TEST_F(ReplicaGroupTest, DevicesOfTwoKindsAreRefused) {
  Make(1);
  ReplicaOptions options{
      options_, {kCounts, {}}, {at::Device(at::kCUDA, 0)}, [this] { return MakeStudent(); }};

  EXPECT_THAT(ReplicaGroup::Create(options, {at::kCPU, *student_, *objective_, *optimizer_}),
              distill::testing::HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::core
