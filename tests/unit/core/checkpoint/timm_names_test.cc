// The names are timm's own: tests/oracle/models/make_timm_goldens.py, which also sees that the n-th
// tensor of the one definition is the n-th of the other.
#include "core/checkpoint/timm_names.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "core/base/sha256.h"
#include "core/checkpoint/fitting_architecture.h"
#include "core/checkpoint/initial_weights.h"
#include "core/model/model.h"
#include "tests/matchers/status_matchers.h"
#include "tests/oracle/models/timm_goldens.h"

namespace distill::core {

/// How GoogleTest shows a parameter.
inline void PrintTo(const TimmGolden& golden, std::ostream* stream) { *stream << golden.name; }

namespace {

using ::distill::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kTimmClasses = 10;

/// Returns the state of a network as a file with `names` and `prefix`.
NamedTensors FileOf(const NamedTensors& state, const std::vector<std::string>& names,
                    const std::string& prefix = "") {
  NamedTensors file;
  for (size_t i = 0; i < state.size(); ++i) {
    file.push_back({prefix + names[i], state[i].tensor.detach().clone(), {}});
  }
  return file;
}

class TimmNamesTest : public ::testing::TestWithParam<TimmGolden> {};

TEST_P(TimmNamesTest, AreThoseOfTimmsDefinition) {
  const auto model = CreateModel(GetParam().name, kTimmClasses).value();
  const NamedTensors state = model->State();
  const std::vector<std::string> names = TimmNames(state);
  ASSERT_EQ(names.size(), state.size());
  std::string keys;
  for (size_t i = 0; i < state.size(); ++i) {
    keys += names[i] + " ";
    for (int64_t d = 0; d < state[i].tensor.dim(); ++d) {
      keys += (d == 0 ? "" : "x") + std::to_string(state[i].tensor.size(d));
    }
    keys += "\n";
  }

  EXPECT_EQ(Sha256Hex(keys), GetParam().key_sha256) << keys.substr(0, 2000);
}

INSTANTIATE_TEST_SUITE_P(All, TimmNamesTest, ::testing::ValuesIn(kTimmGoldens),
                         [](const auto& one) { return std::string(one.param.name); });

class TimmFileTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TimmFileTest, EachTensorOfAWholeListReachesItsPlaceUnderEitherName) {
  const auto source = CreateModel(GetParam(), kTimmClasses).value();
  const NamedTensors state = source->State();
  for (const NamedTensor& named : state) {
    if (named.tensor.is_floating_point()) named.tensor.detach().normal_();
  }
  std::vector<std::string> own;
  for (const NamedTensor& named : state) own.push_back(named.name);
  for (const auto& names : {own, TimmNames(state)}) {
    for (const std::string prefix : {"", "module."}) {
      const auto target = CreateModel(GetParam(), kTimmClasses).value();
      ASSERT_OK(LoadExact(*target, FileOf(state, names, prefix)));
      const NamedTensors loaded = target->State();
      for (size_t i = 0; i < state.size(); ++i) {
        EXPECT_TRUE(at::equal(loaded[i].tensor, state[i].tensor)) << state[i].name;
      }
    }
  }
}

TEST_P(TimmFileTest, OfOtherClassesStartsARunWithAFreshClassifier) {
  const auto source = CreateModel(GetParam(), kTimmClasses).value();
  const auto target = CreateModel(GetParam(), 3).value();
  const NamedTensors state = source->State();

  const auto report = LoadMatching(*target, FileOf(state, TimmNames(state)));

  ASSERT_OK(report);
  EXPECT_EQ(report->replaced_head_classes, kTimmClasses);
  EXPECT_EQ(report->loaded.size(), state.size() - 2);
}

INSTANTIATE_TEST_SUITE_P(Of, TimmFileTest,
                         ::testing::Values("mobilenetv2", "resnet50", "ghostnet",
                                           "efficientnet_v2_s"),
                         [](const auto& one) { return std::string(one.param); });

TEST(FittingArchitectureTest, ARefusalNamesTheModelThatTheFileIsOf) {
  const auto option_b = CreateModel("resnet20", kTimmClasses).value();
  for (const char* name : {"resnet20-a", "resnet32", "mobilenetv2"}) {
    const auto other = CreateModel(name, 7).value();
    const NamedTensors state = other->State();
    EXPECT_EQ(FittingArchitecture(FileOf(state, TimmNames(state))), name);
    EXPECT_THAT(LoadExact(*option_b, FileOf(state, TimmNames(state), "module.")),
                StatusIs(Code::kInvalidArgument,
                         AllOf(HasSubstr("do not fit"),
                               HasSubstr("the file is of the model " + std::string(name)))));
  }
  EXPECT_THAT(LoadMatching(*option_b, FileOf({}, {})).status().message(),
              ::testing::Not(HasSubstr("is of the model")));
}

}  // namespace
}  // namespace distill::core
