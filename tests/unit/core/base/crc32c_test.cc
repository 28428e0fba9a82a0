#include "core/base/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace distill {
namespace {

// Expected values: RFC 3720, appendix B.4.
TEST(Crc32cTest, EqualsTheVectorsOfRfc3720) {
  std::string ascending(32, '\0');
  std::iota(ascending.begin(), ascending.end(), '\0');

  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(Crc32c(ascending), 0x46DD794EU);
}

TEST(Crc32cTest, PiecesGiveTheSumOfTheWhole) {
  const std::string text = "The quick brown fox jumps over the lazy dog";

  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(Crc32c(text.substr(cut), Crc32c(text.substr(0, cut))), Crc32c(text));
  }
}

}  // namespace
}  // namespace distill
