#include "core/eval/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/recording_listener.h"
#include "tests/fakes/tiny_manifest.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/eval/teacher_files.h"

namespace distill::core {
namespace {

using ::distill::testing::IsOk;
using ::distill::testing::RecordingListener;
using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kEvaluatedClasses = 3;

// Evaluates weights of `files` on the val split of a tiny data set in `folder`.
EvaluateOptions TinyEvaluation(const std::filesystem::path& folder, testing::TeacherFiles& files) {
  const std::filesystem::path manifest = folder / "manifest.csv";
  distill::testing::WriteTinyManifest(manifest, kEvaluatedClasses, 8);
  EvaluateOptions options;
  options.model = testing::kTeacherModel;
  options.weights = files.Make(kEvaluatedClasses, 1).weights;
  options.manifest = manifest;
  options.image_size = 32;
  options.normalization = testing::TeacherFiles::Normalization();
  options.passes = {{Split::kVal, false}};
  return options;
}

TEST(EvaluatorTest, WeightsReplacedBeforeTheyAreReadFailTheAttempt) {
  const distill::testing::TempDir dir;
  testing::TeacherFiles files;
  EvaluateOptions options = TinyEvaluation(dir.path(), files);
  options.inputs = {HashFile("weights", options.weights)};
  RecordingListener listener;
  EXPECT_THAT(Evaluate(options, listener), IsOk());

  std::filesystem::rename(files.Make(kEvaluatedClasses, 2).weights, options.weights);

  EXPECT_THAT(Evaluate(options, listener),
              StatusIs(Code::kAborted, AllOf(HasSubstr("weights: the file changed"),
                                             HasSubstr(options.weights.string()))));
}

TEST(EvaluatorTest, WeightsAndImagesOutsideTheirRootsAreNotRead) {
  const distill::testing::TempDir dir;
  const distill::testing::TempDir elsewhere;
  testing::TeacherFiles files;
  EvaluateOptions options = TinyEvaluation(dir.path(), files);
  options.weights_roots = {options.weights.parent_path()};
  options.dataset_roots = {dir.path()};
  RecordingListener listener;
  EXPECT_THAT(Evaluate(options, listener), IsOk());

  options.weights_roots = {elsewhere.path()};
  EXPECT_THAT(Evaluate(options, listener),
              StatusIs(Code::kPermissionDenied,
                       AllOf(HasSubstr(options.weights.string()), HasSubstr("leads outside"))));
  options.weights_roots.clear();
  options.dataset_roots = {elsewhere.path()};
  EXPECT_THAT(Evaluate(options, listener), StatusIs(Code::kDataLoss, HasSubstr("leads outside")));
  options.dataset_roots.clear();
  options.teachers = {files.Make(kEvaluatedClasses, 2)};
  options.teachers.front().roots = {elsewhere.path()};
  EXPECT_THAT(Evaluate(options, listener),
              StatusIs(Code::kPermissionDenied, HasSubstr("leads outside")));
}

// Teachers of a job that know different classes taught it well (mean_kl), and cannot be averaged.
TEST(EvaluatorTest, TeachersThatNobodyAskedForFailNoEvaluation) {
  const distill::testing::TempDir dir;
  testing::TeacherFiles files;
  EvaluateOptions options = TinyEvaluation(dir.path(), files);
  TeacherOptions partial = files.Make(kEvaluatedClasses, 2);
  partial.class_outputs = {0, 1, -1};
  partial.num_outputs = kEvaluatedClasses;
  TeacherOptions gone = files.Make(kEvaluatedClasses, 3);
  gone.weights = "/nowhere/weights";
  for (const TeacherOptions& second : {partial, gone}) {
    options.teachers = {files.Make(kEvaluatedClasses, 4), second};
    RecordingListener listener;
    options.teachers_may_lack = false;
    EXPECT_FALSE(Evaluate(options, listener).ok());
    options.teachers_may_lack = true;

    const auto reports = Evaluate(options, listener);

    ASSERT_THAT(reports, IsOk());
    EXPECT_FALSE(reports->front().fidelity.has_value());
    EXPECT_THAT(listener.warnings,
                ::testing::Contains(HasSubstr("not compared with the teachers")));
  }
}

}  // namespace
}  // namespace distill::core
