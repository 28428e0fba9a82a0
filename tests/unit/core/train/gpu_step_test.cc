// Training steps on an NVIDIA GPU (label gpu): the figures of the CPU and of PyTorch, and the same
// bits each time.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/architecture.h"
#include "core/checkpoint/tensor_file.h"
#include "core/device/amp.h"
#include "core/device/device.h"
#include "core/device/warning_scope.h"
#include "core/eval/teacher.h"
#include "core/train/replica_group.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/train/training_goldens.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/loss/closed_form_inputs.h"
#include "tests/unit/core/model/closed_form.h"
#include "tests/unit/core/train/three_parameters.h"

namespace distill::core {
namespace {

constexpr int64_t kGpuClasses = 10;
constexpr int64_t kGpuImages = 8;

const std::vector<DistillationMethod>& AllMethods() {
  static const std::vector<DistillationMethod> methods = {
      DistillationMethod::kSoftTarget, DistillationMethod::kMgd, DistillationMethod::kSp,
      DistillationMethod::kAt,         DistillationMethod::kDkd, DistillationMethod::kDist,
      DistillationMethod::kFitNet,     DistillationMethod::kRkd, DistillationMethod::kPkt,
      DistillationMethod::kCrd};
  return methods;
}

class GpuStepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (NumCudaDevices() == 0) GTEST_SKIP() << "no GPU";
    static const bool has_threads = (SetNumThreads(2), true);
    static_cast<void>(has_threads);
    SetDeterministic(true, /*is_on_gpu=*/true);
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
  }

  TrainOptions OptionsFor(const std::string& model, int64_t image_size) const {
    TrainOptions options;
    options.model = model;
    options.image_size = image_size;
    options.normalization = {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
    return options;
  }

  TrainOptions OptionsFor(DistillationMethod method) {
    TrainOptions options = OptionsFor("mobilenetv2", 64);
    DistillationOptions& distillation = options.distillation.emplace();
    distillation.teachers = {{"resnet18", TeacherFile(), options.normalization, {}, 0, 1}};
    DistillationTermOptions& term = distillation.terms.emplace_back();
    term.method = method;
    term.crd_negatives = 8;
    return options;
  }

  std::filesystem::path TeacherFile() {
    const std::filesystem::path path = dir_.path() / "teacher.safetensors";
    if (std::filesystem::exists(path)) return path;
    SeedGenerators(3);
    TensorFile file;
    file.tensors = CreateModel("resnet18", kGpuClasses).value()->State();
    EXPECT_OK(WriteSafetensors(path, file));
    return path;
  }

  static MixedBatch BatchOf(int64_t image_size, const at::Device& device) {
    SeedGenerators(11);
    MixedBatch batch;
    batch.images = at::randn({kGpuImages, 3, image_size, image_size})
                       .to(device)
                       .contiguous(at::MemoryFormat::ChannelsLast);
    batch.labels = {
        (at::arange(kGpuImages, at::kLong) * 3).remainder(kGpuClasses).to(device), {}, 1};
    batch.indices = at::arange(kGpuImages, at::kLong);
    return batch;
  }

  struct Trained {
    at::Tensor gradients;  // of the first step, on the CPU
    at::Tensor values;     // after all of them, on the CPU
  };

  Trained Train(const TrainOptions& options, const at::Device& device, AmpMode mode, int steps) {
    SeedGenerators(7);
    const auto student = CreateModel(options.model, kGpuClasses).value();
    student->To(device);
    student->ToChannelsLast();
    TrainingSplit split;
    split.class_counts.assign(kGpuClasses, kGpuImages);
    for (int64_t i = 0; i < kGpuClasses * kGpuImages; ++i)
      split.image_classes.push_back(i % kGpuClasses);
    const auto objective = Objective::Create(options, split, *student, device);
    EXPECT_OK(objective);
    const auto optimizer =
        Optimizer::Create(TrainedParameters(*student, **objective), options.optimizer).value();
    Trained trained;
    const MixedBatch batch = BatchOf(options.image_size, device);
    for (int step = 0; step < steps; ++step) {
      (void)ComputeGradients(*student, **objective, {batch, 1.0}, {mode, 1.0});
      optimizer->CollectGradients();
      if (step == 0) trained.gradients = optimizer->parameters().gradients().cpu();
      optimizer->Step(1e-3);
    }
    trained.values = optimizer->parameters().values().cpu();
    return trained;
  }

  static double RelativeError(const at::Tensor& seen, const at::Tensor& expected) {
    return ((seen - expected).norm() / expected.norm()).item<double>();
  }

  void ExpectEqualBits(const TrainOptions& options, AmpMode mode) {
    constexpr int kSteps = 3;
    std::string warnings;
    const WarningScope scope([&warnings](const std::string& text) { warnings += text + "\n"; });
    const Trained first = Train(options, gpu_, mode, kSteps);
    const Trained second = Train(options, gpu_, mode, kSteps);
    EXPECT_TRUE(at::isfinite(first.values).all().item<bool>());
    EXPECT_TRUE(at::equal(first.gradients, second.gradients)) << "of one step\n" << warnings;
    EXPECT_TRUE(at::equal(first.values, second.values)) << "of " << kSteps << " steps\n"
                                                        << warnings;
    EXPECT_EQ(warnings, "");
  }

  const at::Device gpu_{at::kCUDA, 0};
  const at::Device cpu_{at::kCPU};
  const distill::testing::TempDir dir_;
};

class GpuArchitectureTest : public GpuStepTest, public ::testing::WithParamInterface<std::string> {
 protected:
  // A network in evaluation, on the CPU, with statistics of these pictures: with those of a new
  // one, activations fade.
  std::unique_ptr<Model> WithStatistics() const {
    SeedGenerators(7);
    auto model = CreateModel(GetParam(), kGpuClasses).value();
    model->SetTraining(true);
    for (int pass = 0; pass < 5; ++pass) model->Forward(BatchOf(image_size_, cpu_).images, false);
    model->SetTraining(false);
    return model;
  }

  ModelOutput Run(Model& model, const at::Tensor& images, AmpMode mode) const {
    const AutocastScope autocast(gpu_, mode);
    return model.Forward(images, /*want_blocks=*/true);
  }

  // Of logits, embedding and blocks, relative to `expected`.
  double LargestError(const ModelOutput& seen, const ModelOutput& expected) const {
    const auto error = [](const at::Tensor& one, const at::Tensor& other) {
      return RelativeError(one.cpu().to(at::kFloat), other);
    };
    double largest =
        std::max(error(seen.logits, expected.logits), error(seen.embedding, expected.embedding));
    for (size_t i = 0; i < static_cast<size_t>(architecture_.num_blocks()); ++i) {
      largest = std::max(largest, error(seen.blocks[i], expected.blocks[i]));
    }
    return largest;
  }

  const Architecture architecture_ = FindArchitecture(GetParam()).value();
  // Of a side at which all of its blocks have some pixels.
  const int64_t image_size_ = architecture_.image_size == 32 ? 32 : 64;
};

std::vector<std::string> NamesOfArchitectures() {
  std::vector<std::string> names;
  for (const Architecture& one : Architectures()) names.emplace_back(one.name);
  return names;
}

TEST_P(GpuArchitectureTest, MakesOfPicturesWhatItDoesOnACpu) {
  const at::NoGradGuard no_grad;
  const auto model = WithStatistics();
  const ModelOutput expected = model->Forward(BatchOf(image_size_, cpu_).images, true);
  model->To(gpu_);
  model->ToChannelsLast();

  const ModelOutput seen = model->Forward(BatchOf(image_size_, gpu_).images, true);

  EXPECT_LT(LargestError(seen, expected), 1e-4);
}

TEST_P(GpuArchitectureTest, FoldedForInferenceItMakesTheSameOfThem) {
  const at::NoGradGuard no_grad;
  const at::Tensor images = BatchOf(image_size_, gpu_).images;
  const auto model = WithStatistics();
  model->SetRequiresGrad(false);
  const ModelOutput expected = model->Forward(images.cpu(), true);
  model->To(gpu_);
  model->ToChannelsLast();
  constexpr AmpMode kModes[] = {AmpMode::kOff, AmpMode::kBfloat16, AmpMode::kFloat16};
  std::vector<double> unfolded_errors;
  for (const AmpMode mode : kModes) {
    unfolded_errors.push_back(LargestError(Run(*model, images, mode), expected));
  }
  model->FuseForInference();

  for (size_t i = 0; i < std::size(kModes); ++i) {
    const ModelOutput seen = Run(*model, images, kModes[i]);
    // Half precision rounds more in deeper networks.
    EXPECT_LT(LargestError(seen, expected), std::max(1e-4, 1.5 * unfolded_errors[i]));
    EXPECT_TRUE(at::equal(seen.logits, Run(*model, images, kModes[i]).logits));
  }
}

std::string NameOfCase(const ::testing::TestParamInfo<std::string>& one) {
  std::string name = one.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Of, GpuArchitectureTest, ::testing::ValuesIn(NamesOfArchitectures()),
                         NameOfCase);

// One of each family: the others are of the same layers, and cuDNN takes seconds to minutes to plan
// their steps.
class GpuFamilyTest : public GpuArchitectureTest {};

TEST_P(GpuFamilyTest, EqualSeedsGiveEqualBits) {
  const TrainOptions options = OptionsFor(GetParam(), image_size_);
  ExpectEqualBits(options, AmpMode::kOff);
  ExpectEqualBits(options, AmpMode::kBfloat16);
}

INSTANTIATE_TEST_SUITE_P(Of, GpuFamilyTest,
                         ::testing::Values("mobilenetv2", "resnet18", "resnet50", "ghostnet",
                                           "efficientnet_v2_s", "resnet20", "resnet20-a",
                                           "wrn-16-1", "vgg8", "cifar-mobilenetv2",
                                           "cifar-shufflenetv1", "cifar-shufflenetv2"),
                         NameOfCase);

class GpuTermTest : public GpuStepTest, public ::testing::WithParamInterface<DistillationMethod> {
 protected:
  struct TermSeen {
    double loss = 0;
    std::vector<at::Tensor> gradients;  // of logits, embedding and blocks, as far as they are read
  };

  static ModelOutput RandomOutput(int64_t width, const at::Device& device, bool is_student) {
    ModelOutput output;
    const auto draw = [&](const std::vector<int64_t>& sizes) {
      return at::randn(sizes).to(device).requires_grad_(is_student);
    };
    output.logits = draw({kGpuImages, kGpuClasses});
    output.embedding = draw({kGpuImages, 4 * width});
    for (size_t i = 0; i < output.blocks.size(); ++i) {
      const auto side = static_cast<int64_t>(16 >> i);
      output.blocks[i] = draw({kGpuImages, width << i, side, side});
    }
    return output;
  }

  static TermSeen ComputeTerm(DistillationMethod method, const at::Device& device) {
    SeedGenerators(5);
    DistillationInputs inputs;
    inputs.student = RandomOutput(8, device, /*is_student=*/true);
    inputs.teacher = RandomOutput(16, device, /*is_student=*/false);
    inputs.labels = at::arange(kGpuImages, at::kLong).remainder(kGpuClasses).to(device);
    inputs.indices = at::arange(kGpuImages, at::kLong);
    DistillationTermOptions options;
    options.method = method;
    options.mask_ratio = 0;  // no random numbers, which a GPU draws in another order
    options.crd_negatives = 8;
    options.student = OutputShapeOf(inputs.student);
    options.teacher = OutputShapeOf(inputs.teacher);
    for (int64_t i = 0; i < kGpuClasses * kGpuImages; ++i) {
      options.image_classes.push_back(i % kGpuClasses);
    }
    const auto term = CreateDistillationTerm(options).value();
    term->To(device);
    const at::Tensor loss = term->Compute(inputs);
    loss.backward();
    TermSeen seen{loss.item<double>(), {}};
    std::vector<at::Tensor> outputs(inputs.student.blocks.begin(), inputs.student.blocks.end());
    outputs.insert(outputs.end(), {inputs.student.logits, inputs.student.embedding});
    for (const at::Tensor& output : outputs) {
      if (output.grad().defined()) seen.gradients.push_back(output.grad().cpu());
    }
    EXPECT_FALSE(seen.gradients.empty());
    return seen;
  }
};

// Of what the networks made: through whole networks, rounding grows by four digits.
TEST_P(GpuTermTest, HasTheGradientsThatItHasOnACpu) {
  const TermSeen expected = ComputeTerm(GetParam(), cpu_);
  const TermSeen seen = ComputeTerm(GetParam(), gpu_);
  EXPECT_NEAR(seen.loss, expected.loss, 1e-4 * std::abs(expected.loss));
  ASSERT_EQ(seen.gradients.size(), expected.gradients.size());
  for (size_t i = 0; i < seen.gradients.size(); ++i) {
    EXPECT_LT(RelativeError(seen.gradients[i], expected.gradients[i]), 1e-4) << "output " << i;
  }
}

TEST_P(GpuTermTest, EqualSeedsGiveEqualBits) {
  TrainOptions options = OptionsFor(GetParam());
  options.r_drop.emplace();
  ExpectEqualBits(options, AmpMode::kOff);
  ExpectEqualBits(options, AmpMode::kBfloat16);
  ExpectEqualBits(options, AmpMode::kFloat16);
}

INSTANTIATE_TEST_SUITE_P(Of, GpuTermTest, ::testing::ValuesIn(AllMethods()), [](const auto& one) {
  return std::string(DistillationMethodName(one.param));
});

// tests/oracle/train/make_training_goldens.py: the same step by PyTorch on a CPU.
TEST_F(GpuStepTest, AStepIsPyTorchs) {
  struct Case {
    AmpMode mode;
    const std::array<double, 6>& golden;
    double tolerance;
    double loss_scale;
  };
  for (const Case& one : {Case{AmpMode::kOff, kFloat32Step, 1e-4, 1},
                          Case{AmpMode::kBfloat16, kBfloat16Step, 2e-2, 1},
                          Case{AmpMode::kFloat16, kFloat32Step, 2e-2, 1024}}) {
    const auto model = CreateModel("resnet8", kGpuClasses).value();
    testing::FillByClosedForm(*model);
    model->To(gpu_);
    TrainOptions options;
    options.loss.label_smoothing = 0.1;
    const auto objective = Objective::Create(options, {}, *model, gpu_).value();
    MixedBatch batch;
    batch.images = testing::SineWave({6, 3, 16, 16}, 2, 0.37, 0).to(at::kFloat).to(gpu_);
    batch.labels = {(at::arange(6, at::kLong) * 3).remainder(kGpuClasses).to(gpu_), {}, 1.0};
    const ObjectiveValue value =
        ComputeGradients(*model, *objective, {batch, 1.0}, {one.mode, one.loss_scale});
    double squares = 0;
    for (const NamedTensor& named : model->Parameters()) {
      squares += named.tensor.grad().to(at::kDouble).square().sum().item<double>();
    }
    EXPECT_NEAR(value.total.item<double>(), one.golden[0], one.tolerance * one.golden[0]);
    EXPECT_NEAR(std::sqrt(squares) / one.loss_scale, one.golden[1], one.tolerance * one.golden[1]);
  }
}

TEST_F(GpuStepTest, ATeacherSaysOfAnImageTheSameInASmallerBatch) {
  constexpr int64_t kFewer = 5;
  const TrainOptions options = OptionsFor(DistillationMethod::kSoftTarget);
  const auto teacher =
      Teacher::Load(options.distillation->teachers[0], kGpuClasses, options.normalization, gpu_);
  ASSERT_OK(teacher);
  const at::Tensor images = BatchOf(64, gpu_).images;
  const ModelOutput all = teacher->Forward(images, true);

  const ModelOutput fewer = teacher->Forward(images.narrow(0, 0, kFewer), true);

  EXPECT_TRUE(at::equal(fewer.logits, all.logits.narrow(0, 0, kFewer)));
  EXPECT_TRUE(at::equal(fewer.embedding, all.embedding.narrow(0, 0, kFewer)));
  for (size_t i = 0; i < fewer.blocks.size(); ++i) {
    EXPECT_TRUE(at::equal(fewer.blocks[i], all.blocks[i].narrow(0, 0, kFewer)));
  }
}

TEST_F(GpuStepTest, OptimisersTakeTheStepsThatTheyTakeOnACpu) {
  for (const auto kind : {OptimizerKind::kAdamW, OptimizerKind::kSgd, OptimizerKind::kRmsProp}) {
    OptimizerOptions options;
    options.kind = kind;
    options.weight_decay = 0.05;
    const testing::ThreeParameters on_cpu(at::kDouble);
    testing::ThreeParameters on_gpu(at::kDouble);
    on_gpu.To(gpu_);
    const auto expected = Optimizer::Create(on_cpu.Parameters(), options).value();
    const auto seen = Optimizer::Create(on_gpu.Parameters(), options).value();
    for (int step = 1; step <= 20; ++step) {
      on_cpu.SetGradients(step);
      const NamedTensors parameters = on_gpu.Parameters();
      for (size_t i = 0; i < parameters.size(); ++i) {
        at::Tensor tensor = parameters[i].tensor;
        tensor.mutable_grad() = on_cpu.Parameters()[i].tensor.grad().to(gpu_);
      }
      for (Optimizer* one : {expected.get(), seen.get()}) {
        one->CollectGradients();
        one->Step(testing::TrajectoryRate(step));
      }
    }
    EXPECT_LT(RelativeError(seen->parameters().values().cpu(), expected->parameters().values()),
              1e-12);
  }
}

TEST_F(GpuStepTest, GradientsThatOverflowAreSeen) {
  const testing::ThreeParameters module(at::kFloat);
  testing::ThreeParameters on_gpu(at::kFloat);
  on_gpu.To(gpu_);
  const auto optimizer = Optimizer::Create(on_gpu.Parameters(), {}).value();
  for (const double value : {1.0, HUGE_VAL, std::nan("")}) {
    for (const NamedTensor& parameter : on_gpu.Parameters()) {
      at::Tensor tensor = parameter.tensor;
      tensor.mutable_grad() = at::full_like(tensor.detach(), value);
    }
    optimizer->CollectGradients();
    EXPECT_EQ(optimizer->AreGradientsFinite().item<bool>(), std::isfinite(value));
  }
}

}  // namespace
}  // namespace distill::core
