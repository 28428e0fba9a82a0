#include "core/data/augmentation_policy.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/data/tone.h"
#include "tests/unit/core/data/pillow_golden.h"
#include "tests/unit/core/data/synthetic_image.h"

namespace distill::core {
namespace {

TEST(AugmentationPolicyTest, EveryOperationEqualsTorchvisionsOnAPillowImage) {
  for (const OperationGolden& golden : kOperationGolden) {
    RgbImage image = SyntheticImage(golden.width, golden.height);

    ApplyOperation(golden.operation, golden.magnitude, golden.interpolation, image);

    EXPECT_EQ(PixelDigest(image), golden.digest)
        << "operation " << static_cast<int>(golden.operation) << " magnitude " << golden.magnitude
        << " width " << golden.width << " bilinear "
        << (golden.interpolation == Interpolation::kBilinear);
  }
}

// How often each result comes out of `policy`, by its pixels.
template <typename Policy>
std::map<std::string, int> CountResults(int num_draws, const Policy& policy) {
  std::map<std::string, int> counts;
  for (int i = 0; i < num_draws; ++i) {
    Random random = Random::For(7, 0, static_cast<uint64_t>(i));
    RgbImage image = SyntheticImage(24, 24);
    policy(random, image);
    ++counts[PixelDigest(image)];
  }
  return counts;
}

std::string DigestOf(Operation operation, double magnitude) {
  RgbImage image = SyntheticImage(24, 24);
  ApplyOperation(operation, magnitude, Interpolation::kNearest, image);
  return PixelDigest(image);
}

TEST(AugmentationPolicyTest, TrivialAugmentDrawsEachOperationEquallyOften) {
  constexpr int kDraws = 14 * 31 * 40;

  auto counts = CountResults(
      kDraws, [](Random& random, RgbImage& image) { TrivialAugmentWide(random, image); });

  // Each of 14 operations: 1240 times, give or take 5 standard deviations of 34.
  EXPECT_NEAR(counts[DigestOf(Operation::kEqualize, 0)], kDraws / 14, 170);
  EXPECT_NEAR(counts[DigestOf(Operation::kAutoContrast, 0)], kDraws / 14, 170);
  // One of 31 bins, with one of two signs: 20 times, give or take 5 of 4.5.
  EXPECT_NEAR(counts[DigestOf(Operation::kRotate, 135)], 20, 22);
  EXPECT_NEAR(counts[DigestOf(Operation::kRotate, -90)], 20, 22);
  EXPECT_GT(counts[DigestOf(Operation::kRotate, 90)], 0);
}

TEST(AugmentationPolicyTest, RandAugmentUsesItsMagnitudeWithBothSigns) {
  auto counts = CountResults(
      5600, [](Random& random, RgbImage& image) { RandAugment(1, 30, random, image); });

  // One of 14 operations with one of two signs: 200 times, give or take 5 of 14.
  EXPECT_NEAR(counts[DigestOf(Operation::kRotate, 30)], 200, 70);
  EXPECT_NEAR(counts[DigestOf(Operation::kRotate, -30)], 200, 70);
  // Identity, solarize at 255 and so on are one picture; 14 operations give at most 23.
  EXPECT_LE(counts.size(), 23U);
}

TEST(AugmentationPolicyTest, RandAugmentOfNoOperationChangesNothing) {
  const auto counts =
      CountResults(5, [](Random& random, RgbImage& image) { RandAugment(0, 9, random, image); });

  EXPECT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts.begin()->first, DigestOf(Operation::kIdentity, 0));
}

TEST(AugmentationPolicyTest, AutoAugmentDrawsPairsByTheirProbabilities) {
  constexpr int kDraws = 20000;

  auto counts = CountResults(
      kDraws, [](Random& random, RgbImage& image) { AutoAugmentImageNet(random, image); });

  // The picture stays as it is when neither operation comes, or when it changes nothing (colour and
  // rotation at bin 0 do not occur alone; colour at bin 0 is the factor 1). Summed over the 25
  // pairs by hand from table 9: the probability is
  // (0.24 + 0.16 + 0.08 + 0.16 + 0.48 + 0.12 + 0.16 + 0 + 0.32 + 0.24 + 0.2 + 0.24 + 0.2 + 0 + 0 +
  //  0 + 0.04 + 0.24 + 0 + 0.4 + 0.48 + 0.16 + 0 + 0 + 0.08) / 25 = 4.0 / 25.
  EXPECT_NEAR(counts[DigestOf(Operation::kIdentity, 0)], kDraws * 4.0 / 25, 260);
}

TEST(AugmentationPolicyTest, AugMixDiffersFromDrawToDraw) {
  const auto counts =
      CountResults(50, [](Random& random, RgbImage& image) { AugMix(random, image); });

  EXPECT_GT(counts.size(), 45U);
}

TEST(AugmentationPolicyTest, TheSameNumbersGiveTheSamePicture) {
  for (int i = 0; i < 20; ++i) {
    RgbImage first = SyntheticImage(32, 32);
    RgbImage second = first;
    Random random_first = Random::For(1, 2, static_cast<uint64_t>(i));
    Random random_second = Random::For(1, 2, static_cast<uint64_t>(i));

    AugMix(random_first, first);
    AugMix(random_second, second);

    EXPECT_EQ(first.pixels, second.pixels);
  }
}

}  // namespace
}  // namespace distill::core
