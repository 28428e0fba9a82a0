#include "server/rpc/page_token.h"

#include <gmock/gmock.h>

#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using testing::HasCode;

TEST(PageTokenTest, GivesBackTheIdForTheSameFilters) {
  JobListQuery query;
  query.owner = "ada";

  EXPECT_EQ(ReadPageToken(query, MakePageToken(query, 42)).value(), 42);
}

TEST(PageTokenTest, IsRefusedForOtherFiltersAndWhenChanged) {
  JobListQuery query;
  const std::string token = MakePageToken(query, 42);
  JobListQuery other;
  other.states = {JobState::kFailed};

  EXPECT_THAT(ReadPageToken(other, token), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(ReadPageToken(query, token + "1"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(ReadPageToken(query, "junk"), HasCode(Code::kInvalidArgument));
}

}  // namespace
}  // namespace distill::server
