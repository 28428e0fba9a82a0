// Times training steps of SoftTarget distillation resnet50 -> mobilenetv2 on images made up in
// memory: the step of step_peer.py, by this project's core.
// Usage: bench_step STEPS BATCH SIZE THREADS [DEVICE]     (FASTEST=1: also nondeterministic
// kernels) Prints seconds per step, the first step left out (its time goes to standard error). On a
// GPU the step runs in mixed precision, and the figures are means of ten steps, since a program
// does not wait for each there.
#include <ATen/ATen.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "core/checkpoint/tensor_file.h"
#include "core/device/amp.h"
#include "core/device/device.h"
#include "core/device/host_tuning.h"
#include "core/train/objective.h"
#include "core/train/optimizer.h"
#include "core/train/replica_group.h"
#include "tests/temp_dir.h"

namespace {

using namespace distill::core;  // NOLINT(google-build-using-namespace)

constexpr int64_t kClasses = 100;
constexpr double kLearningRate = 1e-4;
constexpr int kStepsOfAGroup = 10;  // on a GPU

TrainOptions Options(const std::filesystem::path& teacher_weights, int64_t size) {
  TrainOptions options;
  options.model = "mobilenetv2";
  options.image_size = size;
  options.distillation.emplace();
  options.distillation->teachers = {{"resnet50", teacher_weights, {}, {}, 0, 1}};
  options.distillation->terms.emplace_back();
  return options;
}

void WriteTeacher(const std::filesystem::path& path) {
  const auto teacher = CreateModel("resnet50", kClasses);
  TensorFile file;
  file.tensors = (*teacher)->State();
  if (!WriteSafetensors(path, file).ok()) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) return 2;
  const int steps = std::atoi(argv[1]);
  const int64_t batch = std::atoi(argv[2]);
  const int64_t size = std::atoi(argv[3]);
  KeepFreedMemory();
  SetNumThreads(std::atoi(argv[4]));
  SeedGenerators(0);
  SetDeterministic(std::getenv("FASTEST") == nullptr, argc == 6);
  const auto device = ParseDevice(argc == 6 ? argv[5] : "cpu");
  if (!device.ok()) return 1;
  const AmpMode amp =
      ChooseAmp(*device, device->is_cpu() ? AmpRequest::kNone : AmpRequest::kAuto).value().mode;

  const distill::testing::TempDir dir;
  WriteTeacher(dir.path() / "teacher.safetensors");
  const TrainOptions options = Options(dir.path() / "teacher.safetensors", size);
  const auto student = CreateModel(options.model, kClasses);
  (*student)->To(*device);
  (*student)->ToChannelsLast();
  const auto objective =
      Objective::Create(options, {std::vector<int64_t>(kClasses, 1), {}}, **student, *device);
  const auto optimizer = Optimizer::Create((*student)->Parameters(), options.optimizer);
  if (!objective.ok() || !optimizer.ok()) return 1;
  const at::Tensor images =
      at::randn({batch, 3, size, size}).to(*device).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor labels = at::arange(batch, at::kLong).remainder(kClasses).to(*device);
  (*student)->SetTraining(true);
  const int group = device->is_cpu() ? 1 : kStepsOfAGroup;
  for (int step = 0; step <= steps; step += group) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < group; ++i) {
      const MixedBatch mixed{images, {labels, {}, 1.0}, {0, 0, step + i}, {}};
      (void)ComputeGradients(**student, **objective, {mixed, 1.0}, {amp, 1.0});
      (*optimizer)->CollectGradients();
      (*optimizer)->Step(kLearningRate);
    }
    // Reading what the update has written waits for a GPU.
    (*optimizer)->parameters().values()[0].item<float>();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (step == 0) std::cerr << "first " << group << " steps: " << seconds.count() << " s\n";
    if (step > 0) std::cout << seconds.count() / group << (step + group <= steps ? " " : "\n");
  }
  return 0;
}
