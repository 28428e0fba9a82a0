#include "core/data/thumbnail.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "core/data/image_decode.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/data/image_file.h"

namespace distill::core {
namespace {

using testing::IsOk;
using testing::StatusIs;
using testing::TempDir;

TEST(ThumbnailTest, TheLongerSideIsAsAskedAndTheShapeStays) {
  const TempDir folder;
  ASSERT_THAT(WriteFile(folder.path() / "a.ppm", EncodePpm(EvenImage(300, 600, 50))), IsOk());

  const auto jpeg = JpegThumbnail(folder.path() / "a.ppm", 100);

  ASSERT_THAT(jpeg.status(), IsOk());
  const auto image = DecodeImage(*jpeg);
  ASSERT_THAT(image.status(), IsOk());
  EXPECT_EQ(image->size(), (ImageSize{50, 100}));
}

TEST(ThumbnailTest, ASmallImageKeepsItsSizeAndItsColours) {
  const TempDir folder;
  RgbImage red = EvenImage(20, 10, 0);
  for (size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 200;
  ASSERT_THAT(WriteFile(folder.path() / "a.ppm", EncodePpm(red)), IsOk());

  const auto jpeg = JpegThumbnail(folder.path() / "a.ppm", 100);

  ASSERT_THAT(jpeg.status(), IsOk());
  const auto image = DecodeImage(*jpeg);
  ASSERT_THAT(image.status(), IsOk());
  EXPECT_EQ(image->size(), (ImageSize{20, 10}));
  EXPECT_LT(std::abs(image->Row(5)[30] - 200), 8);  // red
  EXPECT_LT(image->Row(5)[32], 8);                  // blue
}

TEST(ThumbnailTest, AFileThatIsNoImageIsAnError) {
  const TempDir folder;
  ASSERT_THAT(WriteFile(folder.path() / "a.jpg", "not a picture"), IsOk());

  EXPECT_THAT(JpegThumbnail(folder.path() / "a.jpg", 100).status(),
              StatusIs(Code::kDataLoss, ::testing::HasSubstr("a.jpg")));
}

}  // namespace
}  // namespace distill::core
