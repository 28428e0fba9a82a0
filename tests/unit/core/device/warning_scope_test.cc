#include "core/device/warning_scope.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace distill::core {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(WarningScopeTest, EachWarningIsToldOnceAndInOneLine) {
  std::vector<std::string> told;
  {
    const WarningScope scope([&told](const std::string& text) { told.push_back(text); });
    for (int i = 0; i < 3; ++i) TORCH_WARN("the lamp is hot\nand bright");
    TORCH_WARN("the door is open");
  }
  EXPECT_THAT(told, ElementsAre("LibTorch: the lamp is hot", "LibTorch: the door is open"));
}

TEST(WarningScopeTest, AnOperationWithoutADeterministicFormIsNamed) {
  std::vector<std::string> told;
  const WarningScope scope([&told](const std::string& text) { told.push_back(text); });
  TORCH_WARN("sort_backward does not have a deterministic implementation, but you set 'x'");
  EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr("sort_backward has no deterministic form"),
                                      Not(HasSubstr("you set")))));
}

TEST(WarningScopeTest, AfterItWarningsGoWhereTheyWentBefore) {
  std::vector<std::string> outer;
  const WarningScope scope([&outer](const std::string& text) { outer.push_back(text); });
  {
    const WarningScope inner([](const std::string&) {});
  }
  TORCH_WARN("again");
  EXPECT_THAT(outer, ElementsAre(HasSubstr("again")));
}

}  // namespace
}  // namespace distill::core
