#include "client/job_grid.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::client {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JobGridTest, AxisIsAKeyWithItsValues) {
  const auto axis = ParseGridAxis("lr=1e-3,3e-4");

  ASSERT_OK(axis);
  EXPECT_EQ(axis->name, "lr");
  EXPECT_THAT(axis->values, ElementsAre("1e-3", "3e-4"));
  for (const char* wrong : {"lr", "=1", "lr=", "lr=1,,2", "lr=1,1"}) {
    EXPECT_THAT(ParseGridAxis(wrong), HasCode(Code::kInvalidArgument)) << wrong;
  }
}

TEST(JobGridTest, LastAxisChangesFastest) {
  v1::Job base;
  base.mutable_train()->set_model("resnet18");
  base.set_group("mine");

  const auto jobs = ExpandGrid(base, "s",
                               {{"train.model", "train.model", {"resnet18", "ghostnet"}},
                                {"seed", "train.seed", {"0", "1"}}});

  ASSERT_OK(jobs);
  std::vector<std::string> names;
  for (const v1::Job& job : *jobs) names.push_back(job.name());
  EXPECT_THAT(names, ElementsAre("s-modelresnet18-seed0", "s-modelresnet18-seed1",
                                 "s-modelghostnet-seed0", "s-modelghostnet-seed1"));
  EXPECT_EQ((*jobs)[2].train().model(), "ghostnet");
  EXPECT_EQ((*jobs)[2].group(), "mine");
}

TEST(JobGridTest, NamesMustFitAndDiffer) {
  const GridAxis seeds{"seed", "train.seed", {"0", "1"}};
  EXPECT_THAT(ExpandGrid({}, std::string(60, 'x'), {seeds}),
              StatusIs(Code::kInvalidArgument, HasSubstr("longer than 63")));
  const GridAxis labels{"k", "labels.k", {"a b", "a/b"}};
  EXPECT_THAT(ExpandGrid({}, "s", {labels}),
              StatusIs(Code::kInvalidArgument, HasSubstr("one name: s-ka_b")));
}

TEST(JobGridTest, TooManyCombinationsAreRefused) {
  GridAxis axis{"seed", "train.seed", {}};
  for (int i = 0; i < 40; ++i) axis.values.push_back(std::to_string(i));
  GridAxis other = axis;
  other.name = "epochs";
  other.path = "train.epochs";

  EXPECT_THAT(ExpandGrid({}, "s", {axis, other}),
              StatusIs(Code::kInvalidArgument, HasSubstr("more than 1000")));
}

}  // namespace
}  // namespace distill::client
