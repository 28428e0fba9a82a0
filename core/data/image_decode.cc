#include "core/data/image_decode.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "core/data/cifar_file.h"
#include "core/data/image_header.h"
#include "core/data/jpeg_decode.h"

namespace distill::core {
namespace {

// OpenCV must not start threads beside the pool that calls it, nor write to the worker's log.
void ConfigureOpenCvOnce() {
  static std::once_flag configured;
  std::call_once(configured, [] {
    cv::setNumThreads(0);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  });
}

RgbImage ToRgb(const cv::Mat& bgr) {
  RgbImage image(bgr.cols, bgr.rows);
  for (int y = 0; y < bgr.rows; ++y) {
    const uint8_t* in = bgr.ptr<uint8_t>(y);
    uint8_t* out = image.Row(y);
    for (ptrdiff_t i = 0; i < image.stride(); i += 3) {
      out[i] = in[i + 2];
      out[i + 1] = in[i + 1];
      out[i + 2] = in[i];
    }
  }
  return image;
}

Result<RgbImage> DecodeWithOpenCv(std::string_view bytes) {
  ConfigureOpenCvOnce();
  try {
    // imdecode only reads its input.
    const cv::Mat file(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
    const cv::Mat decoded = cv::imdecode(file, cv::IMREAD_COLOR);
    if (decoded.empty()) return Status(Code::kDataLoss, "damaged, cut short or unsupported image");
    if (decoded.type() != CV_8UC3) return Status(Code::kDataLoss, "unsupported pixel format");
    return ToRgb(decoded);
  } catch (const cv::Exception& error) {
    return Status(Code::kDataLoss, "damaged or unsupported image: " + error.err);
  } catch (const std::exception& error) {
    return Status(Code::kDataLoss, std::string("image cannot be decoded: ") + error.what());
  }
}

Status CheckStatedSize(ImageFormat format, std::string_view bytes) {
  const auto size = ReadStatedSize(format, bytes);
  if (!size || size->width == 0 || size->height == 0) {
    return {Code::kDataLoss, "damaged or unsupported image header"};
  }
  if (size->width > kMaxImagePixels || size->height > kMaxImagePixels / size->width) {
    return {Code::kDataLoss, "image is too large: " + std::to_string(size->width) + "x" +
                                 std::to_string(size->height) + " pixels"};
  }
  return Status::Ok();
}

Result<RgbImage> DecodeByFormat(std::string_view bytes) {
  if (bytes.empty()) return Status(Code::kDataLoss, "file is empty");
  const ImageFormat format = DetectImageFormat(bytes);
  if (format == ImageFormat::kUnknown) {
    return Status(Code::kDataLoss, "not a JPEG, PNG, BMP, PNM, TIFF or WebP file");
  }
  if (format == ImageFormat::kJpeg) return DecodeJpeg(bytes, kMaxImagePixels);
  DISTILL_RETURN_IF_ERROR(CheckStatedSize(format, bytes));
  return DecodeWithOpenCv(bytes);
}

}  // namespace

Result<RgbImage> DecodeImage(std::string_view bytes) {
  Result<RgbImage> image = DecodeByFormat(bytes);
  if (!image.ok()) return image;
  const auto [shorter, longer] = std::minmax(image->width, image->height);
  if (longer / kMaxAspectRatio > shorter) {
    return Status(Code::kDataLoss, "image is too elongated: " + std::to_string(image->width) + "x" +
                                       std::to_string(image->height) + " pixels");
  }
  return image;
}

Result<RgbImage> DecodeImageFile(const std::filesystem::path& path, const Roots& roots) {
  if (const auto picture = ParseCifarPicturePath(path)) {
    DISTILL_ASSIGN_OR_RETURN(const std::string pixels, ReadCifarPixels(*picture, roots));
    return CifarImage(pixels);
  }
  const Result<std::string> bytes = ReadFileInside(path, roots, kMaxImageFileBytes);
  if (!bytes.ok()) return bytes.status();
  Result<RgbImage> image = DecodeImage(*bytes);
  if (!image.ok()) return image.status().WithContext(path.string());
  return image;
}

}  // namespace distill::core
