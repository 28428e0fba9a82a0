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

TEST(EvaluatorTest, WeightsReplacedBeforeTheyAreReadFailTheAttempt) {
  const distill::testing::TempDir dir;
  testing::TeacherFiles files;
  distill::testing::WriteTinyManifest(dir.path() / "manifest.csv", kEvaluatedClasses, 8);
  EvaluateOptions options;
  options.model = testing::kTeacherModel;
  options.weights = files.Make(kEvaluatedClasses, 1).weights;
  options.manifest = dir.path() / "manifest.csv";
  options.image_size = 32;
  options.normalization = testing::TeacherFiles::Normalization();
  options.passes = {{Split::kVal, false}};
  options.inputs = {HashFile("weights", options.weights)};
  RecordingListener listener;
  EXPECT_THAT(Evaluate(options, listener), IsOk());

  std::filesystem::rename(files.Make(kEvaluatedClasses, 2).weights, options.weights);

  EXPECT_THAT(Evaluate(options, listener),
              StatusIs(Code::kAborted, AllOf(HasSubstr("weights: the file changed"),
                                             HasSubstr(options.weights.string()))));
}

}  // namespace
}  // namespace distill::core
