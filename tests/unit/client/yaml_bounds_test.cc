#include "client/yaml_bounds.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(YamlBoundsTest, DocumentsAnchorsAndAliasesAreWell) {
  EXPECT_OK(CheckYamlBounds("", "f"));
  EXPECT_OK(CheckYamlBounds("---\n---\na: &x {b: [1, 2]}\nc: *x\n--- d\n...\n", "f"));
}

TEST(YamlBoundsTest, ACommaBeforeADocumentIsRefusedAndNotReadForEver) {
  EXPECT_THAT(
      CheckYamlBounds("a: b\n---\n,obs: c\n", "f.yaml"),
      StatusIs(Code::kInvalidArgument, AllOf(StartsWith("f.yaml:3: "), HasSubstr("begin with"))));
}

TEST(YamlBoundsTest, AliasesOfAliasesCountForAllThatTheyStandFor) {
  // Ten to the ninth values from nine lines.
  std::string text = "l0: &l0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n";
  for (int level = 1; level < 9; ++level) {
    const std::string name = "l" + std::to_string(level);
    const std::string below = "*l" + std::to_string(level - 1);
    text += name + ": &" + name + " [" + below;
    for (int i = 1; i < 10; ++i) text += ", " + below;
    text += "]\n";
  }

  EXPECT_THAT(CheckYamlBounds(text, "f"),
              StatusIs(Code::kInvalidArgument, HasSubstr("aliases unfolded")));
}

TEST(YamlBoundsTest, AnAliasInsideOfWhatItStandsForIsRefused) {
  EXPECT_THAT(CheckYamlBounds("a: &a [1, *a]\n", "f"),
              StatusIs(Code::kInvalidArgument, HasSubstr("inside of what it stands for")));
}

TEST(YamlBoundsTest, DepthAndSizeHaveTheirBounds) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_OK(CheckYamlBounds(nested(64), "f"));
  EXPECT_THAT(CheckYamlBounds(nested(65), "f"),
              StatusIs(Code::kInvalidArgument, HasSubstr("nested too deeply; at most 64")));
  EXPECT_THAT(CheckYamlBounds("a: " + std::string(4 << 20, 'x'), "f"),
              StatusIs(Code::kInvalidArgument, HasSubstr("larger than 4194304 bytes")));
}

}  // namespace
}  // namespace distill::client
