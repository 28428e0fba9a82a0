#include "core/worker/eval_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/checkpoint/tensor_file.h"
#include "core/data/manifest.h"
#include "core/eval/report.h"
#include "core/model/model.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/worker/journal_events.h"

namespace distill::core {
namespace {

using ::distill::testing::TempDir;

class EvalRunTest : public ::testing::Test {
 protected:
  // Returns what a run tells that evaluates a network of so many classes, most without an image.
  std::vector<worker::v1::RunEvent> Run(size_t num_classes) const {
    const std::filesystem::path manifest_path = folder_.path() / "manifest.csv";
    distill::testing::WriteTinyManifest(manifest_path, /*num_classes=*/2, /*images_per_class=*/4);
    Manifest manifest = ReadManifest(manifest_path).value();
    while (manifest.class_names.size() < num_classes) {
      manifest.class_names.push_back("z" + std::to_string(10000 + manifest.class_names.size()));
    }
    EXPECT_OK(WriteManifest(manifest_path, manifest));
    const auto model = CreateModel("resnet8", static_cast<int64_t>(num_classes)).value();
    EXPECT_OK(WriteSafetensors(folder_.path() / "weights", {model->State(), {}}));

    worker::v1::WorkerSpec spec;
    spec.set_device("cpu");
    worker::v1::EvalTask& task = *spec.mutable_eval();
    task.set_dataset_manifest(manifest_path.string());
    task.set_weights((folder_.path() / "weights").string());
    task.set_model("resnet8");
    task.set_image_size(32);
    task.mutable_job()->set_batch_size(4);
    task.mutable_job()->add_passes()->set_split(v1::SPLIT_VAL);
    auto journal =
        JournalWriter::Open({folder_.path(), 1, [] { return false; }}, SystemClock()).value();
    EXPECT_OK(RunEvaluation(spec, folder_.path(), journal));
    EXPECT_OK(journal.WriteOutcome({}));
    return distill::testing::EventsIn(folder_.path());
  }

 private:
  TempDir folder_;
};

v1::Evaluation EvaluationIn(const std::vector<worker::v1::RunEvent>& events) {
  for (const worker::v1::RunEvent& event : events) {
    if (event.has_evaluation()) return event.evaluation();
  }
  ADD_FAILURE() << "no evaluation was told";
  return {};
}

bool TellsOfTheMatrix(const std::vector<worker::v1::RunEvent>& events) {
  return std::any_of(events.begin(), events.end(), [](const worker::v1::RunEvent& event) {
    return event.notice().message().find("confusion-val.csv alone") != std::string::npos;
  });
}

TEST_F(EvalRunTest, FewClassesAreToldWithTheirMatrix) {
  const auto events = Run(3);

  EXPECT_EQ(EvaluationIn(events).classes_size(), 3);
  EXPECT_EQ(EvaluationIn(events).confusion_size(), 9);
  EXPECT_FALSE(TellsOfTheMatrix(events));
}

TEST_F(EvalRunTest, VeryManyClassesAreToldWithoutItAndTheRunSaysWhereItIs) {
  const auto events = Run(kMaxConfusionClasses + 1);

  EXPECT_EQ(EvaluationIn(events).classes_size(), kMaxConfusionClasses + 1);
  EXPECT_EQ(EvaluationIn(events).confusion_size(), 0);
  EXPECT_TRUE(TellsOfTheMatrix(events));
}

}  // namespace
}  // namespace distill::core
