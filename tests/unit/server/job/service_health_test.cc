#include "server/job/service_health.h"

#include <gmock/gmock.h>

#include <vector>

namespace distill::server {
namespace {

using ::testing::ElementsAre;

TEST(ServiceHealthTest, WatcherHearsOfEachChangeOfTheWholeOnly) {
  ServiceHealth health;
  std::vector<bool> heard;
  health.Watch([&](bool is_well) { heard.push_back(is_well); });

  health.Set("disk", "full");
  health.Set("database", "damaged");
  health.Set("disk", "");
  EXPECT_EQ(health.Trouble(), "damaged");
  health.Set("database", "");

  EXPECT_EQ(health.Trouble(), "");
  EXPECT_THAT(heard, ElementsAre(true, false, true));
}

}  // namespace
}  // namespace distill::server
