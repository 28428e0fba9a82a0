#include "core/data/image_decode.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <set>
#include <string>
#include <vector>

// After <cstdio>, which it needs.
#include <jpeglib.h>

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "core/data/crop.h"
#include "core/data/image_resize.h"
#include "core/data/orientation.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"
#include "tests/unit/core/data/image_file.h"
#include "tests/unit/core/data/synthetic_image.h"
#include "tests/unit/core/data/test_data.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::HasSubstr;

// Returns `image` written by OpenCV in the format of `extension`.
std::string Encode(const RgbImage& image, const std::string& extension) {
  cv::Mat bgr(image.height, image.width, CV_8UC3);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* in = image.Row(y) + 3 * x;
      bgr.at<cv::Vec3b>(y, x) = {in[2], in[1], in[0]};
    }
  }
  std::vector<uint8_t> bytes;
  cv::imencode(extension, bgr, bytes);
  return std::string(bytes.begin(), bytes.end());
}

std::string ContentOf(const std::filesystem::path& path) { return ReadFile(path).value(); }

TEST(ImageDecodeTest, FormatsWithoutLossGiveTheirPixels) {
  const RgbImage image = SyntheticImage(37, 21);
  for (const char* extension : {".png", ".bmp", ".ppm", ".tiff"}) {
    const Result<RgbImage> decoded = DecodeImage(Encode(image, extension));

    ASSERT_OK(decoded) << extension;
    EXPECT_EQ(decoded->size(), image.size()) << extension;
    EXPECT_EQ(decoded->pixels, image.pixels) << extension;
  }
}

TEST(ImageDecodeTest, SixteenBitsAreScaledToEight) {
  cv::Mat wide(3, 5, CV_16UC3, cv::Scalar(0x1234, 0x80FF, 0xFE01));
  for (const char* extension : {".png", ".tiff"}) {
    std::vector<uint8_t> bytes;
    cv::imencode(extension, wide, bytes);

    const Result<RgbImage> decoded = DecodeImage(std::string(bytes.begin(), bytes.end()));

    ASSERT_OK(decoded) << extension;
    // libpng takes the upper byte, libtiff divides by 257.
    EXPECT_NEAR(decoded->pixels[0], 0xFE, 1) << extension;
    EXPECT_NEAR(decoded->pixels[1], 0x80, 1) << extension;
    EXPECT_NEAR(decoded->pixels[2], 0x12, 1) << extension;
  }
}

TEST(ImageDecodeTest, AFileCutShortIsDamagedWhateverItsFormatAndLength) {
  const RgbImage image = SyntheticImage(64, 48);
  for (const char* extension : {".jpg", ".png", ".bmp", ".ppm", ".tiff", ".webp"}) {
    const std::string whole = Encode(image, extension);
    for (const double share : {0.01, 0.1, 0.5, 0.9, 0.98}) {
      const auto length = static_cast<size_t>(static_cast<double>(whole.size()) * share);

      EXPECT_THAT(DecodeImage(whole.substr(0, length)), HasCode(Code::kDataLoss))
          << extension << " cut to " << length << " of " << whole.size();
    }
  }
}

TEST(ImageDecodeTest, JpegWithoutItsEndMarkerIsCutShort) {
  const std::string whole = Encode(SyntheticImage(64, 48), ".jpg");

  EXPECT_OK(DecodeImage(whole));
  EXPECT_THAT(DecodeImage(whole.substr(0, whole.size() - 2)),
              StatusIs(Code::kDataLoss, HasSubstr("JPEG")));
}

// Returns a JPEG file of one colour in four inks, stored inverted as Photoshop does.
std::string EncodeCmykJpeg(int width, int height, const std::array<uint8_t, 4>& inks) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* buffer = nullptr;
  unsigned long num_bytes = 0;
  jpeg_mem_dest(&codec, &buffer, &num_bytes);
  codec.image_width = static_cast<JDIMENSION>(width);
  codec.image_height = static_cast<JDIMENSION>(height);
  codec.input_components = 4;
  codec.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, 100, TRUE);
  jpeg_start_compress(&codec, TRUE);
  std::vector<uint8_t> row;
  for (int x = 0; x < width; ++x) {
    for (const uint8_t ink : inks) row.push_back(static_cast<uint8_t>(255 - ink));
  }
  JSAMPROW rows[] = {row.data()};
  for (int y = 0; y < height; ++y) jpeg_write_scanlines(&codec, rows, 1);
  jpeg_finish_compress(&codec);
  std::string bytes(reinterpret_cast<char*>(buffer), num_bytes);
  jpeg_destroy_compress(&codec);
  std::free(buffer);
  return bytes;
}

TEST(ImageDecodeTest, FourInksBecomeRedGreenAndBlue) {
  const Result<RgbImage> image = DecodeImage(EncodeCmykJpeg(16, 8, {255, 51, 0, 102}));

  ASSERT_OK(image);
  EXPECT_EQ(image->size(), (ImageSize{16, 8}));
  // (1 - ink)(1 - black): 0, 0.8 * 0.6 and 1 * 0.6 of 255.
  EXPECT_NEAR(image->pixels[0], 0, 2);
  EXPECT_NEAR(image->pixels[1], 122, 2);
  EXPECT_NEAR(image->pixels[2], 153, 2);
}

TEST(ImageDecodeTest, EmptyFileAndTextAreNoImages) {
  EXPECT_THAT(DecodeImage(""), StatusIs(Code::kDataLoss, HasSubstr("empty")));
  EXPECT_THAT(DecodeImage("These are not the pixels."),
              StatusIs(Code::kDataLoss, HasSubstr("not a JPEG")));
}

TEST(ImageDecodeTest, HeaderOfTooManyPixelsIsRefusedBeforeDecoding) {
  std::string png = Encode(SyntheticImage(8, 8), ".png");
  png.replace(16, 8, std::string("\x00\x01\x00\x00\x00\x01\x00\x00", 8));  // 65536 x 65536
  std::string jpeg = Encode(SyntheticImage(8, 8), ".jpg");
  const size_t frame = jpeg.find(std::string("\xFF\xC0", 2));
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");  // 65500 x 65500
  std::string bmp = Encode(SyntheticImage(8, 8), ".bmp");
  bmp.replace(18, 8, std::string("\x00\x00\x01\x00\x00\x00\x01\x00", 8));
  const std::string ppm = "P6 99999 99999 255\n";

  for (const std::string& bytes : {png, jpeg, bmp, ppm}) {
    EXPECT_THAT(DecodeImage(bytes), StatusIs(Code::kDataLoss, HasSubstr("too large")));
  }
}

TEST(ImageDecodeTest, NeedleIsRefused) {
  EXPECT_OK(DecodeImage(EncodePpm(EvenImage(2, 200, 1))));
  EXPECT_THAT(DecodeImage(EncodePpm(EvenImage(300, 2, 1))),
              StatusIs(Code::kDataLoss, HasSubstr("too elongated: 300x2")));
}

TEST(ImageDecodeTest, ErrorsOfFilesNameThePath) {
  const TempDir dir;
  ASSERT_OK(WriteFile(dir.path() / "mislabelled.jpg", "text"));

  EXPECT_THAT(DecodeImageFile(dir.path() / "mislabelled.jpg"),
              StatusIs(Code::kDataLoss, HasSubstr("mislabelled.jpg")));
  EXPECT_THAT(DecodeImageFile(dir.path() / "absent.jpg"),
              StatusIs(Code::kNotFound, HasSubstr("absent.jpg")));
}

TEST(ImageDecodeTest, DamageInTheMiddleNeverCrashes) {
  const RgbImage image = SyntheticImage(48, 32);
  for (const char* extension : {".jpg", ".png", ".bmp", ".ppm", ".tiff", ".webp"}) {
    const std::string whole = Encode(image, extension);
    Random random(1);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = whole;
      for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
        damaged[random.Below(damaged.size())] = static_cast<char>(random.Below(256));
      }
      const Result<RgbImage> decoded = DecodeImage(damaged);
      if (decoded.ok()) {
        EXPECT_EQ(decoded->pixels.size() % 3, 0U);
      } else {
        EXPECT_THAT(decoded, HasCode(Code::kDataLoss));
      }
    }
  }
}

// EXIF 2.32: where the first row and the first column of the file lie in the upright picture.
TEST(OrientationTest, EachOrientationPutsTheFirstPixelsWhereExifSays) {
  RgbImage image(2, 3);
  for (size_t i = 0; i < 6; ++i) image.pixels[i * 3] = static_cast<uint8_t>(i);
  const auto reds = [&](int orientation) {
    const RgbImage upright = ApplyOrientation(image, orientation);
    std::vector<int> values;
    for (size_t i = 0; i < 6; ++i) values.push_back(upright.pixels[i * 3]);
    values.push_back(upright.width);
    return values;
  };

  EXPECT_EQ(reds(1), (std::vector<int>{0, 1, 2, 3, 4, 5, 2}));
  EXPECT_EQ(reds(2), (std::vector<int>{1, 0, 3, 2, 5, 4, 2}));
  EXPECT_EQ(reds(3), (std::vector<int>{5, 4, 3, 2, 1, 0, 2}));
  EXPECT_EQ(reds(4), (std::vector<int>{4, 5, 2, 3, 0, 1, 2}));
  EXPECT_EQ(reds(5), (std::vector<int>{0, 2, 4, 1, 3, 5, 3}));
  EXPECT_EQ(reds(6), (std::vector<int>{4, 2, 0, 5, 3, 1, 3}));
  EXPECT_EQ(reds(7), (std::vector<int>{5, 3, 1, 4, 2, 0, 3}));
  EXPECT_EQ(reds(8), (std::vector<int>{1, 3, 5, 0, 2, 4, 3}));
}

// The mean difference of two pictures of one size, in grey levels.
double MeanDifference(const RgbImage& left, const RgbImage& right) {
  double sum = 0;
  for (size_t i = 0; i < left.pixels.size(); ++i) {
    sum += std::abs(left.pixels[i] - right.pixels[i]);
  }
  return sum / static_cast<double>(left.pixels.size());
}

TEST(ImageDecodeTest, PhotographsOfAllOrientationsComeOutUpright) {
  const std::filesystem::path folder = TestData("nasty/exif-orientation");
  if (folder.empty()) GTEST_SKIP() << "no photographs";
  for (const std::string kind : {"Landscape", "Portrait"}) {
    const RgbImage upright = DecodeImageFile(folder / (kind + "_1.jpg")).value();
    for (int i = 2; i <= 8; ++i) {
      const Result<RgbImage> image =
          DecodeImageFile(folder / (kind + "_" + std::to_string(i) + ".jpg"));

      ASSERT_OK(image);
      ASSERT_EQ(image->size(), upright.size()) << kind << i;
      EXPECT_LT(MeanDifference(*image, upright), 4.0) << kind << i;
    }
  }
}

// Files that Pillow 9.4 reads otherwise than we do, and why that is right.
bool IsKnownDifference(const std::string& name) {
  static const std::set<std::string> known = {
      "pngsuite/bugfixes/F-exif-chunk-early.png",     // turned upright by us
      "pngsuite/bugfixes/invalid_palette_index.png",  // has no right answer
      "pngsuite/bugfixes/cicp_pq.png",                // whole, but has a chunk unknown to Pillow
      "pngsuite/bugfixes/issue#430.png",              // the same
      "pngsuite/bugfixes/x_interlaced_chck.png",      // wrong checksum: reported by us
      "pngsuite/pngsuite/xcsn0g01.png",               // the same
  };
  return known.count(name) > 0;
}

TEST(ImageDecodeTest, EveryNastyFileGivesPillowsPixelsOrIsReported) {
  const std::filesystem::path folder = TestData("nasty");
  const std::filesystem::path verdict_path = TestData("reference/nasty_verdict.json");
  if (folder.empty() || verdict_path.empty()) GTEST_SKIP() << "no nasty files";
  const nlohmann::json verdict = nlohmann::json::parse(ContentOf(verdict_path));
  int num_equal = 0;
  for (const nlohmann::json& row : verdict["rows"]) {
    const auto name = row["path"].get<std::string>();
    const Result<RgbImage> image = DecodeImageFile(folder / name);
    if (IsKnownDifference(name)) continue;
    ASSERT_EQ(image.ok(), row["ok"].get<bool>()) << name << ": " << image.status();
    if (!image.ok()) continue;
    // Pillow cuts 16-bit grey at 255, and does not turn photographs.
    const bool is_turned = row["exif_orientation"].is_number() && row["exif_orientation"] > 1;
    if (row["mode"] == "I" || is_turned) continue;
    const std::string_view bytes(reinterpret_cast<const char*>(image->pixels.data()),
                                 image->pixels.size());
    EXPECT_EQ(Sha256Hex(bytes), row["rgb_sha256"].get<std::string>()) << name;
    ++num_equal;
  }
  EXPECT_GT(num_equal, 160);
}

// Reads the body of a NumPy file of bytes, shape [n, 3, 224, 224].
std::string NpyBody(const std::filesystem::path& path) {
  const std::string content = ContentOf(path);
  const auto header = static_cast<size_t>(static_cast<uint8_t>(content[8])) +
                      (static_cast<size_t>(static_cast<uint8_t>(content[9])) << 8U);
  return content.substr(10 + header);
}

TEST(ImageDecodeTest, ImageNetPhotographsGiveTheReferencePixels) {
  const std::filesystem::path folder = TestData("imagenet48");
  const std::filesystem::path reference = TestData("reference/imagenet48_input_u8_first16.npy");
  if (folder.empty() || reference.empty()) GTEST_SKIP() << "no photographs";
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  const std::string expected = NpyBody(reference);
  constexpr size_t kPlane = 224 * 224;
  int64_t num_equal = 0;
  int64_t num_near = 0;

  for (size_t n = 0; n < 16; ++n) {
    const RgbImage source = DecodeImageFile(paths[n]).value();
    const ImageSize size = SizeWithShorterSide(source.size(), 256);
    const RgbImage image = ResizeRegion(source, size, CenterSquare(size, 224));
    for (size_t i = 0; i < kPlane * 3; ++i) {
      const size_t planar = (n * 3 + i % 3) * kPlane + i / 3;
      const int difference = std::abs(image.pixels[i] - static_cast<uint8_t>(expected[planar]));
      num_equal += difference == 0 ? 1 : 0;
      num_near += difference <= 1 ? 1 : 0;
    }
  }

  constexpr auto kTotal = static_cast<double>(16 * kPlane * 3);
  RecordProperty("equal_share", std::to_string(static_cast<double>(num_equal) / kTotal));
  EXPECT_GE(static_cast<double>(num_near) / kTotal, 0.995);
}

}  // namespace
}  // namespace distill::core
