#include "client/output/lineage_text.h"

#include <gmock/gmock.h>

namespace distill::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A student, and the teacher that it read "aa..." of.
std::vector<LineageStep> Chain() {
  LineageStep student;
  student.job.set_id("7");
  student.job.set_name("student");
  student.lineage.set_attempt(1);
  v1::LineageFile& teacher = *student.lineage.add_teachers();
  teacher.set_path("/state/runs/3/1/best.safetensors");
  teacher.set_job("3");
  teacher.set_sha256("aa");
  teacher.set_model("resnet50");
  LineageStep source;
  source.job.set_id("3");
  source.job.set_name("teacher");
  source.lineage.set_attempt(2);
  source.lineage.mutable_initial_weights()->set_path("/weights/resnet50.pth");
  source.lineage.mutable_initial_weights()->set_sha256("bb");
  v1::Artifact& model = source.artifacts.emplace_back();
  model.set_name("best.safetensors");
  model.set_attempt(2);
  model.set_kind("model");
  model.set_sha256("aa");
  return {student, source};
}

TEST(LineageTextTest, AFileOfAJobIsFoundAmongWhatThatJobWrote) {
  const std::string text = LineageText(Chain(), 0);

  EXPECT_THAT(text, HasSubstr("initial weights  random, from the seed\n"));
  EXPECT_THAT(text,
              HasSubstr("resnet50, best.safetensors of teacher (job 3), attempt 2, sha256 aa"));
}

TEST(LineageTextTest, AFileFromOutsideIsNamedByItsPath) {
  const std::string text = LineageText(Chain(), 1);

  EXPECT_THAT(text, HasSubstr("/weights/resnet50.pth, sha256 bb"));
  EXPECT_THAT(text, HasSubstr("wrote            best.safetensors, sha256 aa\n"));
}

TEST(LineageTextTest, AFileThatIsGoneIsTold) {
  std::vector<LineageStep> steps = Chain();
  steps[1].artifacts[0].set_sha256("cc");  // written anew since

  EXPECT_THAT(LineageText(steps, 0), HasSubstr("teacher (job 3), which has no such file any more"));
}

TEST(LineageTextTest, AJobWithoutLineageSaysWhy) {
  std::vector<LineageStep> steps = Chain();
  steps[1].lineage.Clear();
  steps[1].reason = "none: an older version ran it";

  EXPECT_THAT(LineageText(steps, 1), HasSubstr("lineage          none: an older version"));
  EXPECT_THAT(LineageText(steps, 1), Not(HasSubstr("data set")));
}

}  // namespace
}  // namespace distill::client
