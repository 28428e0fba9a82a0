#include "core/base/sha256.h"

#include <gtest/gtest.h>

#include "tests/matchers/status_matchers.h"

namespace distill {
namespace {

using ::distill::testing::HasCode;

// Expected value: FIPS 180-4 example "abc".
TEST(Sha256Test, EqualsTheExampleOfFips180) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, MissingFileIsNotFound) {
  EXPECT_THAT(Sha256HexOfFile("/nonexistent/file"), HasCode(Code::kNotFound));
}

}  // namespace
}  // namespace distill
