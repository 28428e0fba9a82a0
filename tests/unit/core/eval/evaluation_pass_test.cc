#include "core/eval/evaluation_pass.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/loss/task_loss.h"
#include "tests/fakes/recording_listener.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::RecordingListener;
using ::distill::testing::TempDir;

constexpr int64_t kPassClasses = 3;

TEST(EvaluationPassTest, LossOfWeightedClassesIsTheSameForAnyBatchSize) {
  const TempDir folder;
  distill::testing::WriteTinyManifest(folder.path() / "manifest.csv", kPassClasses, 8);
  const Manifest manifest = ReadManifest(folder.path() / "manifest.csv").value();
  at::manual_seed(1);
  const auto model = CreateModel("resnet8", kPassClasses).value();
  const ImageNormalizer normalizer({0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, at::kCPU);
  PassOptions options;
  options.normalizer = &normalizer;
  options.num_classes = kPassClasses;
  // The last class weighs nothing, as one without training images.
  const at::Tensor weights = at::tensor({1.0F, 3.0F, 0.0F});
  std::vector<double> losses;
  for (const TaskLossKind kind :
       {TaskLossKind::kCrossEntropy, TaskLossKind::kPoly, TaskLossKind::kFocal}) {
    TaskLossOptions loss;
    loss.kind = kind;
    options.loss = [&](const at::Tensor& logits, const at::Tensor& labels) {
      return TaskLossSums(logits, labels, weights, loss);
    };
    losses.clear();
    for (const int64_t batch_size : {1, 5, 64}) {
      BatchSourceOptions source;
      source.image_size = 32;
      source.batch_size = batch_size;
      const auto batches = CreateBatchSource(manifest.EntriesOf(Split::kTrain), source).value();
      RecordingListener listener;
      losses.push_back(RunPass(*model, *batches, options, listener)->metrics.loss);
    }
    EXPECT_GT(losses[2], 0);
    EXPECT_NEAR(losses[0], losses[2], 1e-5 * losses[2]);
    EXPECT_NEAR(losses[1], losses[2], 1e-5 * losses[2]);
  }
}

}  // namespace
}  // namespace distill::core
