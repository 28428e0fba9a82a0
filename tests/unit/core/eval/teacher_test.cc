#include "core/eval/teacher.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/base/architecture.h"
#include "core/eval/teacher_ensemble.h"
#include "tests/unit/core/eval/script_files.h"
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

TEST_F(TeacherTest, ATorchScriptTeacherSeesThePixelsThatItDeclares) {
  TeacherOptions options;
  options.model = std::string(kTorchScript);
  options.weights = distill::testing::ScriptFile("logits.pt");
  options.normalization = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
  options.image_size = 24;
  const auto teacher = Load(options, 3);
  ASSERT_OK(teacher);

  // The student's own normalisation and size.
  const at::Tensor images = (distill::testing::ScriptPixels() - 0.5) / 0.25;
  const at::Tensor logits = teacher->Forward(images, false).logits;

  EXPECT_TRUE(distill::testing::EqualsGolden(logits, distill::testing::kScriptLogitsAsDeclared))
      << logits;
  EXPECT_FALSE(logits.requires_grad());
}

TEST_F(TeacherTest, ATorchScriptTeacherHasClassMapsAndEnsemblesToo) {
  TeacherOptions script;
  script.model = std::string(kTorchScript);
  script.weights = distill::testing::ScriptFile("logits.pt");
  script.normalization = testing::TeacherFiles::Normalization();
  script.image_size = 32;
  const at::Tensor all = LogitsOf(script, 3);
  EXPECT_THAT(Load(script, 2), StatusIs(Code::kInvalidArgument, HasSubstr("of 3 classes")));
  script.class_outputs = {2, 0};
  script.num_outputs = 3;

  EXPECT_TRUE(at::equal(LogitsOf(script, 2), all.index_select(1, at::tensor({2, 0}, at::kLong))));
  EXPECT_OK(TeacherEnsemble::Load({script, files_.Make(2, 1)}, EnsembleMode::kMeanLogit, 2,
                                  testing::TeacherFiles::Normalization(), at::kCPU));
}

TEST_F(TeacherTest, ATeacherOfWeightsSeesTheImageSizeThatItDeclares) {
  TeacherOptions options = files_.Make(3, 1);
  const at::Tensor flat = at::full({1, 3, 64, 64}, 0.3);
  const auto as_it_comes = Load(options, 3);
  ASSERT_OK(as_it_comes);
  options.image_size = 32;
  const auto resized = Load(options, 3);
  ASSERT_OK(resized);

  // A picture of one colour is the same at any size; at another size the map at the end is not.
  EXPECT_EQ(as_it_comes->Forward(flat, true).blocks[2].size(2), 16);
  EXPECT_EQ(resized->Forward(flat, true).blocks[2].size(2), 8);
  EXPECT_TRUE(at::allclose(resized->Forward(flat, false).logits,
                           as_it_comes->Forward(at::full({1, 3, 32, 32}, 0.3), false).logits, 1e-5,
                           1e-5));
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
