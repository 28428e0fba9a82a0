#include "core/train/taught_term.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "core/loss/soft_target.h"
#include "tests/unit/core/eval/teacher_files.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kTaughtClasses = 3;

class TaughtTermTest : public ::testing::Test {
 protected:
  TeacherEnsemble Load(EnsembleMode mode) {
    std::vector<TeacherOptions> options = {files_.Make(kTaughtClasses, 1),
                                           files_.Make(kTaughtClasses, 2)};
    options[1].weight = 3;
    auto ensemble = TeacherEnsemble::Load(options, mode, kTaughtClasses,
                                          testing::TeacherFiles::Normalization(), at::kCPU);
    EXPECT_OK(ensemble);
    return std::move(ensemble).value();
  }

  static Result<TaughtTerm> Make(const DistillationTermOptions& options,
                                 const TeacherEnsemble& ensemble) {
    OutputShape shape;
    shape.num_classes = kTaughtClasses;
    shape.blocks[3] = {512, 1, 1};
    return TaughtTerm::Create(options, shape, {shape, shape}, ensemble);
  }

  static double SoftTargetOf(const at::Tensor& student, const at::Tensor& teacher) {
    DistillationInputs inputs;
    inputs.student.logits = student;
    inputs.teacher.logits = teacher;
    return SoftTarget(4).Compute(inputs).item<double>();
  }

  testing::TeacherFiles files_;
  const at::Tensor images_ = testing::TeacherFiles::Images(4);
  const at::Tensor labels_ = at::tensor({0, 1, 2, 0}, at::kLong);
};

TEST_F(TaughtTermTest, MeanKlIsTheWeightedMeanOverTeachers) {
  const TeacherEnsemble ensemble = Load(EnsembleMode::kMeanKl);
  const auto term = Make({}, ensemble);
  ASSERT_OK(term);
  ModelOutput student;
  student.logits = at::randn({4, kTaughtClasses});
  const Taught taught = ensemble.Forward(images_, false, 0);

  const double expected = 0.25 * SoftTargetOf(student.logits, taught.teachers[0].output.logits) +
                          0.75 * SoftTargetOf(student.logits, taught.teachers[1].output.logits);
  EXPECT_NEAR(term->Compute({student, {}, labels_, {}, 0}, taught).item<double>(), expected, 1e-6);
}

TEST_F(TaughtTermTest, MeanProbSeesOneTeacher) {
  const TeacherEnsemble ensemble = Load(EnsembleMode::kMeanProb);
  const auto term = Make({}, ensemble);
  ASSERT_OK(term);
  ModelOutput student;
  student.logits = at::randn({4, kTaughtClasses});
  const Taught taught = ensemble.Forward(images_, false, 0);

  const at::Tensor p = 0.25 * (taught.teachers[0].output.logits / 4).softmax(1) +
                       0.75 * (taught.teachers[1].output.logits / 4).softmax(1);
  EXPECT_NEAR(term->Compute({student, {}, labels_, {}, 0}, taught).item<double>(),
              SoftTargetOf(student.logits, 4 * p.log()), 1e-5);
}

TEST_F(TaughtTermTest, EachTeacherHasItsOwnTrainedParts) {
  DistillationTermOptions options;
  options.method = DistillationMethod::kFitNet;
  options.blocks = {4};
  const TeacherEnsemble ensemble = Load(EnsembleMode::kMeanKl);
  const auto term = Make(options, ensemble);
  ASSERT_OK(term);

  std::vector<std::string> names;
  for (const NamedTensor& tensor : term->State()) names.push_back(tensor.name);
  ASSERT_EQ(names.size(), 4U);
  EXPECT_EQ(names[2], "teacher1." + names[0]);
  EXPECT_EQ(term->blocks(), std::vector<int>{4});
}

TEST_F(TaughtTermTest, RandomOneIsTheTermOfTheTeacherThatWasDrawn) {
  const TeacherEnsemble ensemble = Load(EnsembleMode::kRandomOne);
  const auto term = Make({}, ensemble);
  ASSERT_OK(term);
  ModelOutput student;
  student.logits = at::randn({4, kTaughtClasses});

  const double second =
      term->Compute({student, {}, labels_, {}, 0}, ensemble.Forward(images_, false, 0.9))
          .item<double>();

  EXPECT_NEAR(second,
              SoftTargetOf(student.logits, ensemble.teachers()[1].Forward(images_, false).logits),
              1e-6);
}

TEST_F(TaughtTermTest, MeanProbabilitiesOfStandardisedLogitsAreRefused) {
  DistillationTermOptions options;
  options.standardize_logits = true;

  EXPECT_OK(Make(options, Load(EnsembleMode::kMeanKl)));
  const TeacherEnsemble ensemble = Load(EnsembleMode::kMeanProb);
  EXPECT_THAT(Make(options, ensemble), StatusIs(Code::kInvalidArgument, HasSubstr("mean_kl")));
}

TEST_F(TaughtTermTest, TrueLabelsNeedATeacherOfAllClasses) {
  TeacherOptions partial = files_.Make(5, 3);
  partial.class_outputs = {0, 1, 2, -1};
  partial.num_outputs = 5;
  const auto ensemble = TeacherEnsemble::Load({partial}, EnsembleMode::kMeanKl, 4,
                                              testing::TeacherFiles::Normalization(), at::kCPU);
  ASSERT_OK(ensemble);
  DistillationTermOptions options;
  options.method = DistillationMethod::kDkd;
  OutputShape student;
  student.num_classes = 4;
  OutputShape teacher;
  teacher.num_classes = 3;

  EXPECT_THAT(TaughtTerm::Create(options, student, {teacher}, *ensemble),
              StatusIs(Code::kInvalidArgument, HasSubstr("class map")));
  options.method = DistillationMethod::kSoftTarget;
  EXPECT_OK(TaughtTerm::Create(options, student, {teacher}, *ensemble));
}

}  // namespace
}  // namespace distill::core
