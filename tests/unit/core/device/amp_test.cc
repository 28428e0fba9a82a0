#include "core/device/amp.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/device/device.h"
#include "core/device/torch_version.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

at::ScalarType ProductType() {
  const at::Tensor matrix = at::ones({2, 2});
  return at::mm(matrix, matrix).scalar_type();
}

TEST(AmpTest, ARunWithoutAmpIsFloat32WithoutANotice) {
  const AmpPlan plan = ChooseAmp(at::Device(at::kCPU), AmpRequest::kNone).value();
  EXPECT_EQ(plan.mode, AmpMode::kOff);
  EXPECT_THAT(plan.notice, IsEmpty());
}

TEST(AmpTest, ACpuTrainsInBfloat16AndSaysWhereThatIsSlow) {
  const at::Device cpu(at::kCPU);
  const AmpPlan plan = ChooseAmp(cpu, AmpRequest::kAuto).value();
  EXPECT_EQ(ChooseAmp(cpu, AmpRequest::kBfloat16)->mode, AmpMode::kBfloat16);
  EXPECT_EQ(plan.mode, AmpMode::kBfloat16);
  if (HasFastBfloat16(cpu)) {
    EXPECT_THAT(plan.notice, IsEmpty());
    EXPECT_FALSE(plan.is_slow);
  } else {
    EXPECT_THAT(plan.notice, HasSubstr("slower than float32"));
    EXPECT_TRUE(plan.is_slow);
  }
}

TEST(AmpTest, Float16OnACpuIsRefusedWhereLibTorchCannot) {
  const auto plan = ChooseAmp(at::Device(at::kCPU), AmpRequest::kFloat16);
#if DISTILL_TORCH_AT_LEAST(2, 11)
  ASSERT_OK(plan);
  EXPECT_EQ(plan->mode, AmpMode::kFloat16);
  EXPECT_THAT(plan->notice, HasSubstr("slower than float32"));
#else
  EXPECT_THAT(plan, StatusIs(Code::kInvalidArgument, HasSubstr("--amp-type bfloat16")));
#endif
}

TEST(AmpTest, AutocastHoldsWithinItsScopeAndNests) {
  const at::Device cpu(at::kCPU);
  ASSERT_EQ(ProductType(), at::kFloat);
  {
    const AutocastScope outer(cpu, AmpMode::kBfloat16);
    EXPECT_EQ(ProductType(), at::kBFloat16);
    {
      const AutocastScope inner(cpu, AmpMode::kBfloat16);
      EXPECT_EQ(ProductType(), at::kBFloat16);
    }
    EXPECT_EQ(ProductType(), at::kBFloat16);
  }
  EXPECT_EQ(ProductType(), at::kFloat);
}

TEST(AmpTest, AScopeThatIsOffChangesNothing) {
  const AutocastScope off(at::Device(at::kCPU), AmpMode::kOff);
  EXPECT_EQ(ProductType(), at::kFloat);
}

TEST(AmpTest, WeightsThatChangedAreCastAnewInTheNextScope) {
  const at::Device cpu(at::kCPU);
  at::Tensor weight = at::ones({2, 2}).requires_grad_(true);
  const at::Tensor input = at::ones({2, 2});
  const auto product = [&] {
    const AutocastScope scope(cpu, AmpMode::kBfloat16);
    return at::mm(input, weight)[0][0].item<float>();
  };
  EXPECT_EQ(product(), 2);
  weight.detach().fill_(2);
  EXPECT_EQ(product(), 4);
}

}  // namespace
}  // namespace distill::core
