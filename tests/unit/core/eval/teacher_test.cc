#include "core/eval/teacher.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/eval/teacher_ensemble.h"
#include "tests/unit/core/eval/teacher_files.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

class TeacherTest : public ::testing::Test {
 protected:
  static Result<Teacher> Load(const TeacherOptions& options, int64_t num_classes) {
    return Teacher::Load(options, num_classes, testing::TeacherFiles::Normalization(), at::kCPU);
  }

  static at::Tensor LogitsOf(const TeacherOptions& options, int64_t num_classes) {
    const auto teacher = Load(options, num_classes);
    EXPECT_OK(teacher);
    return teacher->Forward(testing::TeacherFiles::Images(3), false).logits;
  }

  testing::TeacherFiles files_;
};

TEST_F(TeacherTest, ClassMapPutsItsOutputsInTheOrderOfTheDataSet) {
  TeacherOptions options = files_.Make(5, 1);
  const at::Tensor all = LogitsOf(options, 5);
  options.class_outputs = {4, 0, 2};
  options.num_outputs = 5;

  const at::Tensor mapped = LogitsOf(options, 3);

  EXPECT_TRUE(at::equal(mapped, all.index_select(1, at::tensor({4, 0, 2}, at::kLong))));
}

TEST_F(TeacherTest, ClassesThatItDoesNotKnowAreLeftOutOnBothSides) {
  TeacherOptions options = files_.Make(5, 1);
  options.class_outputs = {4, -1, 2};
  options.num_outputs = 5;
  const auto teacher = Load(options, 3);
  ASSERT_OK(teacher);

  EXPECT_TRUE(at::equal(teacher->classes(), at::tensor({0, 2}, at::kLong)));
  EXPECT_EQ(teacher->Forward(testing::TeacherFiles::Images(3), false).logits.size(1), 2);
  const at::Tensor logits = at::tensor({1.0, 2.0, 3.0}).view({1, 3});
  EXPECT_TRUE(at::equal(teacher->OfKnownClasses(logits), at::tensor({1.0, 3.0}).view({1, 2})));
}

TEST_F(TeacherTest, ClassMapsThatDoNotFitAreRefused) {
  TeacherOptions options = files_.Make(5, 1);
  options.num_outputs = 5;

  options.class_outputs = {4, 4, 2};
  EXPECT_THAT(Load(options, 3), StatusIs(Code::kInvalidArgument, HasSubstr("output 4")));
  options.class_outputs = {-1, -1, -1};
  EXPECT_THAT(Load(options, 3), StatusIs(Code::kInvalidArgument, HasSubstr("no class")));
  options.class_outputs = {0, 1};
  EXPECT_THAT(Load(options, 3), StatusIs(Code::kInvalidArgument, HasSubstr("2 classes")));
}

TEST_F(TeacherTest, EnsembleDividesWeightsByTheirSumAndDrawsByThem) {
  std::vector<TeacherOptions> options = {files_.Make(3, 1), files_.Make(3, 2)};
  options[0].weight = 1;
  options[1].weight = 3;
  const auto ensemble = TeacherEnsemble::Load(options, EnsembleMode::kRandomOne, 3,
                                              testing::TeacherFiles::Normalization(), at::kCPU);
  ASSERT_OK(ensemble);
  const at::Tensor images = testing::TeacherFiles::Images(2);

  EXPECT_THAT(ensemble->weights(), ::testing::ElementsAre(0.25, 0.75));
  const auto drawn = [&](double draw) {
    const Taught taught = ensemble->Forward(images, false, draw);
    EXPECT_EQ(taught.teachers.size(), 1U);
    EXPECT_EQ(taught.teachers[0].weight, 1);
    return taught.teachers[0].teacher;
  };
  EXPECT_EQ(drawn(0.0), 0U);
  EXPECT_EQ(drawn(0.2499), 0U);
  EXPECT_EQ(drawn(0.25), 1U);
  EXPECT_EQ(drawn(0.9999), 1U);
}

TEST_F(TeacherTest, AveragedTeachersMustKnowTheSameClasses) {
  std::vector<TeacherOptions> options = {files_.Make(3, 1), files_.Make(5, 2)};
  options[1].class_outputs = {0, 1, -1};
  options[1].num_outputs = 5;
  const auto load = [&](EnsembleMode mode) {
    return TeacherEnsemble::Load(options, mode, 3, testing::TeacherFiles::Normalization(),
                                 at::kCPU);
  };

  EXPECT_OK(load(EnsembleMode::kMeanKl));
  EXPECT_THAT(load(EnsembleMode::kMeanProb),
              StatusIs(Code::kInvalidArgument, HasSubstr("mean_kl")));
  options[1].weight = 0;
  EXPECT_THAT(load(EnsembleMode::kMeanKl), StatusIs(Code::kInvalidArgument, HasSubstr("above 0")));
}

}  // namespace
}  // namespace distill::core
