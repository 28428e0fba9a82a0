#include "core/data/thumbnail.h"

#include <algorithm>
#include <exception>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <vector>

#include "core/data/image_decode.h"
#include "core/data/image_resize.h"

namespace distill::core {
namespace {

constexpr int kQuality = 80;  // of JPEG: no artefacts to be seen at this size

ImageSize Reduced(ImageSize size, int longer_side) {
  const int longer = std::max(size.width, size.height);
  if (longer <= longer_side) return size;
  const double factor = static_cast<double>(longer_side) / longer;
  return {std::max(1, static_cast<int>(size.width * factor + 0.5)),
          std::max(1, static_cast<int>(size.height * factor + 0.5))};
}

Result<std::string> EncodeJpeg(const RgbImage& image) {
  cv::Mat bgr(image.height, image.width, CV_8UC3);
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* in = image.Row(y);
    uint8_t* out = bgr.ptr<uint8_t>(y);
    for (ptrdiff_t i = 0; i < image.stride(); i += 3)
      std::reverse_copy(in + i, in + i + 3, out + i);
  }
  try {
    std::vector<uint8_t> bytes;
    if (!cv::imencode(".jpg", bgr, bytes, {cv::IMWRITE_JPEG_QUALITY, kQuality})) {
      return Status(Code::kInternal, "image cannot be encoded as JPEG");
    }
    return std::string(bytes.begin(), bytes.end());
  } catch (const std::exception& error) {
    return Status(Code::kInternal, std::string("image cannot be encoded: ") + error.what());
  }
}

}  // namespace

Result<std::string> JpegThumbnail(const std::filesystem::path& path, int longer_side,
                                  const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(const RgbImage image, DecodeImageFile(path, roots));
  const ImageSize size = Reduced(image.size(), longer_side);
  return EncodeJpeg(
      size == image.size() ? image : ResizeRegion(image, size, {0, 0, size.width, size.height}));
}

}  // namespace distill::core
