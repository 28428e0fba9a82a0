#include "core/base/stop_order.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill {
namespace {

TEST(StopOrderTest, OrderIsReadAsItWasWritten) {
  const testing::TempDir directory;
  EXPECT_EQ(ReadStopOrder(directory.path()), std::nullopt);

  for (const StopOrder order :
       {StopOrder::kCancel, StopOrder::kPause, StopOrder::kPreempt, StopOrder::kTimeLimit}) {
    ASSERT_OK(WriteStopOrder(directory.path(), order));
    EXPECT_EQ(ReadStopOrder(directory.path()), order);
  }
}

TEST(StopOrderTest, OrderOfAnotherVersionIsNone) {
  const testing::TempDir directory;
  std::ofstream(directory.path() / "order") << "checkpoint-and-migrate";

  EXPECT_EQ(ReadStopOrder(directory.path()), std::nullopt);
}

}  // namespace
}  // namespace distill
