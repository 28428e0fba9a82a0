#include "server/access/token.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

TEST(TokenTest, HasItsFormAndIsNeverMadeTwice) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto token = MakeToken();
    ASSERT_OK(token);
    EXPECT_TRUE(IsTokenForm(*token)) << *token;
    seen.insert(*token);
  }

  EXPECT_EQ(seen.size(), 1000U);
}

TEST(TokenTest, FormIsPrefixAndSixtyFourHexadecimalDigits) {
  const std::string digits(64, 'a');

  EXPECT_TRUE(IsTokenForm("dst_" + digits));
  EXPECT_FALSE(IsTokenForm("dst_" + digits + "a"));
  EXPECT_FALSE(IsTokenForm("dst_" + digits.substr(1)));
  EXPECT_FALSE(IsTokenForm("xst_" + digits));
  EXPECT_FALSE(IsTokenForm("dst_" + digits.substr(1) + "A"));
  EXPECT_FALSE(IsTokenForm(""));
}

TEST(TokenTest, HashIsTheSha256OfTheWholeText) {
  // printf 'dst_abc' | sha256sum
  EXPECT_EQ(HashOfToken("dst_abc"),
            "ca6c2074c424b7a285d4bb88648e9c92a8660b5adf2788d397b28b5d4c523818");
}

}  // namespace
}  // namespace distill::server
