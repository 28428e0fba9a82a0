#include "core/data/augment.h"

#include <gtest/gtest.h>

#include "core/data/crop.h"
#include "tests/matchers/status_matchers.h"
#include "tests/unit/core/data/image_file.h"
#include "tests/unit/core/data/synthetic_image.h"

namespace distill::core {
namespace {

using ::distill::testing::StatusIs;
using ::testing::HasSubstr;

TEST(AugmentTest, FlipComesWithItsProbability) {
  AugmentationOptions options;
  options.flip_probability = 0.3;
  const RgbImage image = SyntheticImage(4, 4);
  RgbImage mirrored = image;
  MirrorHorizontally(mirrored);
  int num_flipped = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    RgbImage changed = image;
    Random random = Random::For(0, 0, i);
    Augment(options, random, changed);
    const bool is_flipped = changed.pixels == mirrored.pixels;
    ASSERT_TRUE(is_flipped || changed.pixels == image.pixels);
    num_flipped += is_flipped ? 1 : 0;
  }
  EXPECT_NEAR(num_flipped, 3000, 230);  // 5 standard deviations
}

TEST(AugmentTest, NothingAskedChangesNothing) {
  const RgbImage image = SyntheticImage(9, 9);
  RgbImage changed = image;
  Random random(1);

  Augment({}, random, changed);

  EXPECT_EQ(changed.pixels, image.pixels);
}

TEST(AugmentTest, CutOutBlackensAtMostItsSquaresEverywhere) {
  AugmentationOptions options;
  options.cutout_holes = 1;
  options.cutout_length = 6;
  std::vector<int> hits(20 * 20);
  for (uint64_t i = 0; i < 4000; ++i) {
    RgbImage image = EvenImage(20, 20, 200);
    Random random = Random::For(0, 0, i);
    Augment(options, random, image);
    int num_black = 0;
    for (size_t pixel = 0; pixel < hits.size(); ++pixel) {
      const bool is_black = image.pixels[pixel * 3] == 0;
      num_black += is_black ? 1 : 0;
      hits[pixel] += is_black ? 1 : 0;
    }
    ASSERT_GE(num_black, 9);  // a corner
    ASSERT_LE(num_black, 36);
  }
  // In the middle 36 of 400 centres cover a pixel: 360 times, give or take 5 of 18.
  EXPECT_NEAR(hits[10 * 20 + 10], 360, 92);
  // In the corner only 3 times 3 do, or 4 times 4 on the far side, as the square is even.
  EXPECT_GT(hits[0], 0);
  EXPECT_GT(hits[20 * 20 - 1], 0);
}

TEST(AugmentTest, OptionsOutOfRangeAreRefusedByName) {
  AugmentationOptions options;
  options.flip_probability = 1.5;
  EXPECT_THAT(CheckAugmentation(options), StatusIs(Code::kInvalidArgument, HasSubstr("flip")));
  options = {};
  options.cutout_holes = -1;
  EXPECT_THAT(CheckAugmentation(options), StatusIs(Code::kInvalidArgument, HasSubstr("holes")));
  options = {};
  options.cutout_length = 0;
  EXPECT_THAT(CheckAugmentation(options), StatusIs(Code::kInvalidArgument, HasSubstr("length")));
  options = {};
  options.rand_augment_magnitude = 31;
  EXPECT_THAT(CheckAugmentation(options), StatusIs(Code::kInvalidArgument, HasSubstr("magnitude")));
  options = {};
  options.rand_augment_operations = -2;
  EXPECT_THAT(CheckAugmentation(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("operations")));
}

}  // namespace
}  // namespace distill::core
