#include "core/loss/fitted_hint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers/status_matchers.h"
#include "tests/unit/core/loss/term_inputs.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using testing::BlockInputs;
using testing::CosineWave;
using testing::GradientNorm;
using ::testing::HasSubstr;
using testing::kPublishedTolerance;
using testing::SineWave;

// What tests/oracle/loss/fitted_hint_goldens.py printed.
struct HintGolden {
  const char* name;
  int64_t student_side;
  int64_t teacher_side;
  double loss;
  double gradient_norm;
};

class FittedHintTest : public ::testing::TestWithParam<HintGolden> {
 protected:
  // The features of the script; of 6 a side, the corner of those of 8.
  static at::Tensor Student() {
    constexpr int64_t kCorner = 6;
    const int64_t side = GetParam().student_side;
    if (side != kCorner) return SineWave({4, 3, side, side}, 1.5, 0.11, 0.2);
    return SineWave({4, 3, 8, 8}, 1.5, 0.11, 0.2)
        .narrow(2, 0, side)
        .narrow(3, 0, side)
        .contiguous();
  }

  static at::Tensor Teacher() {
    const int64_t side = GetParam().teacher_side;
    return CosineWave({4, 6, side, side}, 2.0, side == 4 ? 0.07 : 0.05, 0.4);
  }

  static void FillByClosedForm(const DistillationTerm& term) {
    for (const NamedTensor& entry : term.State()) {
      at::Tensor tensor = entry.tensor;
      const std::vector<int64_t> sizes = tensor.sizes().vec();
      if (entry.name == "block4.weight") {
        tensor.set_data(SineWave(sizes, 0.1, 0.3, 0.0));
      } else if (entry.name == "block4.bias") {
        tensor.set_data(SineWave(sizes, 0.2, 1.0, 0.0));
      } else if (entry.name == "block4.bn.weight") {
        tensor.set_data(SineWave(sizes, 0.5, 0.7, 1.0));
      } else if (entry.name == "block4.bn.bias") {
        tensor.set_data(SineWave(sizes, 0.3, 0.4, 0.0));
      } else if (tensor.is_floating_point()) {
        tensor.set_data(tensor.to(at::kDouble));
      }
    }
  }

  static OutputShape ShapeOf(int64_t channels, int64_t side) {
    OutputShape shape;
    shape.blocks[3] = {channels, side, side};
    return shape;
  }
};

TEST_P(FittedHintTest, EqualsTheAuthorsCodeInPyTorch) {
  const HintGolden& golden = GetParam();
  FittedHint term({4}, ShapeOf(3, golden.student_side), ShapeOf(6, golden.teacher_side));
  FillByClosedForm(term);
  const at::Tensor student = Student().requires_grad_();

  const at::Tensor loss = term.Compute(BlockInputs(student, Teacher()));

  EXPECT_NEAR(loss.item<double>(), golden.loss, kPublishedTolerance);
  EXPECT_NEAR(GradientNorm(loss, student), golden.gradient_norm, kPublishedTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, FittedHintTest,
    ::testing::Values(HintGolden{"EqualSizes", 4, 4, 2.035117245496, 0.067172064266},
                      HintGolden{"StudentTwiceAsLarge", 8, 4, 2.016765856394, 0.108841685171},
                      HintGolden{"StudentHalfAsLarge", 4, 8, 2.103548502629, 0.017720796844},
                      HintGolden{"StudentLargerByTwo", 6, 4, 2.039816992301, 0.189887789599}),
    [](const auto& test) { return std::string(test.param.name); });

DistillationTermOptions ReferenceOptions(int64_t student_side, int64_t teacher_side) {
  DistillationTermOptions options;
  options.method = DistillationMethod::kFitNet;
  options.form = LossForm::kReference;
  options.blocks = {2};
  options.student.blocks[1] = {16, student_side, student_side};
  options.teacher.blocks[1] = {32, teacher_side, teacher_side};
  return options;
}

TEST(FittedHintFormTest, ReferenceFormIsMadeOfItsOptions) {
  const auto term = CreateDistillationTerm(ReferenceOptions(8, 16));

  ASSERT_OK(term);
  EXPECT_EQ((*term)->name(), "fitnet");
  const NamedTensors parameters = (*term)->Parameters();
  ASSERT_EQ(parameters.size(), 4U);
  EXPECT_EQ(parameters.front().name, "block2.weight");
  EXPECT_EQ(parameters.front().tensor.sizes(), (std::vector<int64_t>{16, 32, 4, 4}));
}

TEST(FittedHintFormTest, SizesThatNoConvolutionFitsAreRefused) {
  EXPECT_THAT(CreateDistillationTerm(ReferenceOptions(8, 12)),
              StatusIs(Code::kInvalidArgument, HasSubstr("8x8 and 12x12")));
}

}  // namespace
}  // namespace distill::core
