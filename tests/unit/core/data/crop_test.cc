#include "core/data/crop.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/core/data/synthetic_image.h"

namespace distill::core {
namespace {

// Expected numbers: torchvision 0.14.1's Resize, CenterCrop and FiveCrop, worked out from their
// definitions (Python's int() cuts, its round() takes halves to the even neighbour).

TEST(CropTest, LongerSideIsRoundedDown) {
  EXPECT_EQ(SizeWithShorterSide({500, 375}, 256), (ImageSize{341, 256}));
  EXPECT_EQ(SizeWithShorterSide({375, 500}, 256), (ImageSize{256, 341}));
  EXPECT_EQ(SizeWithShorterSide({227, 227}, 246), (ImageSize{246, 246}));
  EXPECT_EQ(SizeWithShorterSide({3, 1000}, 224), (ImageSize{224, 74666}));
  EXPECT_EQ(SizeWithShorterSide({500, 333}, 333), (ImageSize{500, 333}));
}

TEST(CropTest, EnlargedSideIsElevenTenthsRoundedDown) {
  EXPECT_EQ(EnlargedSide(224), 246);
  EXPECT_EQ(EnlargedSide(64), 70);
  EXPECT_EQ(EnlargedSide(100), 110);
  EXPECT_EQ(EnlargedSide(7), 7);
}

TEST(CropTest, CentreTakesHalvesToTheEvenNeighbour) {
  EXPECT_EQ(CenterSquare({341, 256}, 224).x, 58);  // 58.5
  EXPECT_EQ(CenterSquare({227, 256}, 224).x, 2);   // 1.5
  EXPECT_EQ(CenterSquare({227, 256}, 224).y, 16);
  EXPECT_EQ(CenterSquare({225, 229}, 224).x, 0);  // 0.5
  EXPECT_EQ(CenterSquare({225, 229}, 224).y, 2);  // 2.5
}

TEST(CropTest, FiveSquaresComeInTorchvisionsOrder) {
  const auto squares = FiveSquares({30, 20}, 10);

  const int expected[5][2] = {{0, 0}, {20, 0}, {0, 10}, {20, 10}, {10, 5}};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(squares[i].x, expected[i][0]) << i;
    EXPECT_EQ(squares[i].y, expected[i][1]) << i;
    EXPECT_EQ(squares[i].width, 10) << i;
    EXPECT_EQ(squares[i].height, 10) << i;
  }
}

TEST(CropTest, RandomSquaresReachEveryPlaceAndStayInside) {
  Random random(3);
  std::set<std::pair<int, int>> places;
  for (int i = 0; i < 500; ++i) {
    const PixelRect square = RandomSquare({12, 10}, 8, random);
    ASSERT_GE(square.x, 0);
    ASSERT_LE(square.x, 4);
    ASSERT_GE(square.y, 0);
    ASSERT_LE(square.y, 2);
    places.insert({square.x, square.y});
  }
  EXPECT_EQ(places.size(), 15U);
}

TEST(CropTest, MirroringTwiceGivesTheSamePicture) {
  for (const int width : {1, 2, 7, 8}) {
    const RgbImage image = SyntheticImage(width, 5);
    RgbImage mirrored = image;

    MirrorHorizontally(mirrored);
    for (int c = 0; c < 3; ++c) {
      EXPECT_EQ(mirrored.Row(2)[c], image.Row(2)[3 * (width - 1) + c]) << width;
    }
    MirrorHorizontally(mirrored);

    EXPECT_EQ(mirrored.pixels, image.pixels) << width;
  }
}

TEST(CropTest, OutsideOfThePictureIsBlack) {
  const RgbImage image = SyntheticImage(5, 4);

  const RgbImage cropped = CropOrBlack(image, {-2, 1, 4, 6});

  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 4; ++x) {
      const bool is_inside = x >= 2 && y < 3;
      for (int c = 0; c < 3; ++c) {
        const int expected = is_inside ? image.Row(y + 1)[3 * (x - 2) + c] : 0;
        EXPECT_EQ(cropped.Row(y)[3 * x + c], expected) << x << ", " << y;
      }
    }
  }
  EXPECT_EQ(CropOrBlack(image, {1, 1, 3, 2}).pixels, Crop(image, {1, 1, 3, 2}).pixels);
  EXPECT_EQ(CropOrBlack(image, {9, 9, 2, 2}).pixels, RgbImage(2, 2).pixels);
}

}  // namespace
}  // namespace distill::core
