#include "core/data/image_resize.h"

#include <gtest/gtest.h>

#include "core/data/crop.h"
#include "tests/unit/core/data/pillow_golden.h"
#include "tests/unit/core/data/synthetic_image.h"

namespace distill::core {
namespace {

RgbImage Resize(const RgbImage& source, ImageSize size) {
  return ResizeRegion(source, size, {0, 0, size.width, size.height});
}

TEST(ImageResizeTest, EveryPixelEqualsPillows) {
  for (const ResizeGolden& golden : kResizeGolden) {
    const RgbImage source = SyntheticImage(golden.width, golden.height);

    EXPECT_EQ(PixelDigest(Resize(source, {golden.to_width, golden.to_height})), golden.digest)
        << golden.width << "x" << golden.height << " to " << golden.to_width << "x"
        << golden.to_height;
  }
}

TEST(ImageResizeTest, ARegionEqualsTheSamePartOfTheWhole) {
  const RgbImage source = SyntheticImage(83, 59);
  const ImageSize sizes[] = {{40, 31}, {83, 30}, {120, 59}, {83, 59}, {160, 118}};
  for (const ImageSize size : sizes) {
    const PixelRect region{7, 5, size.width - 17, size.height - 9};

    EXPECT_EQ(ResizeRegion(source, size, region).pixels, Crop(Resize(source, size), region).pixels)
        << size.width << "x" << size.height;
  }
}

TEST(ImageResizeTest, AnEvenPictureStaysEven) {
  RgbImage source(50, 40);
  std::fill(source.pixels.begin(), source.pixels.end(), uint8_t{137});

  const RgbImage resized = Resize(source, {33, 71});

  EXPECT_EQ(resized.pixels, std::vector<uint8_t>(33 * 71 * 3, 137));
}

}  // namespace
}  // namespace distill::core
