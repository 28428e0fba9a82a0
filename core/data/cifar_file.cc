#include "core/data/cifar_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "core/base/plain_text.h"

namespace distill::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCifarExtension = ".bin";
constexpr size_t kNumberDigits = 5;
constexpr uint64_t kMaxCifarFileBytes = uint64_t{4} << 30U;

int64_t RecordBytes(const fs::path& file) { return CifarLabelBytes(file) + kCifarPixelBytes; }

Status NoSuchRecord(const CifarPicture& picture) {
  return {Code::kDataLoss, CifarPicturePath(picture.file, picture.number).string() +
                               ": the file has no such picture; it has changed or was cut short"};
}

}  // namespace

int CifarLabelBytes(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name == "train.bin" || name == "test.bin") return 2;
  const bool is_batch = StartsWith(name, "data_batch_") && EndsWith(name, kCifarExtension);
  return is_batch || name == "test_batch.bin" ? 1 : 0;
}

fs::path CifarPicturePath(const fs::path& file, int64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kNumberDigits) digits.insert(0, kNumberDigits - digits.size(), '0');
  return file.string() + "#" + digits;
}

std::optional<CifarPicture> ParseCifarPicturePath(const fs::path& path) {
  const std::string text = path.string();
  const size_t hash = text.rfind('#');
  if (hash == std::string::npos) return std::nullopt;
  CifarPicture picture;
  picture.file = text.substr(0, hash);
  const std::string_view digits = std::string_view(text).substr(hash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), picture.number);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size() &&
                         digits.size() >= kNumberDigits && picture.number >= 0;
  if (!is_number || CifarLabelBytes(picture.file) == 0) return std::nullopt;
  return picture;
}

Result<std::string> ReadCifarPixels(const CifarPicture& picture, const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(picture.file, roots));
  std::string pixels(static_cast<size_t>(kCifarPixelBytes), '\0');
  const int64_t begin = picture.number * RecordBytes(picture.file) + CifarLabelBytes(picture.file);
  size_t filled = 0;
  while (filled < pixels.size()) {
    const ssize_t count = ::pread(file.get(), pixels.data() + filled, pixels.size() - filled,
                                  begin + static_cast<int64_t>(filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ReadErrnoStatus("read " + picture.file.string(), errno);
    if (count == 0) return NoSuchRecord(picture);
    filled += static_cast<size_t>(count);
  }
  return pixels;
}

RgbImage CifarImage(std::string_view pixels) {
  constexpr size_t kPlane = size_t{kCifarSide} * kCifarSide;
  RgbImage image(kCifarSide, kCifarSide);
  for (size_t i = 0; i < kPlane; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      image.pixels[3 * i + c] = static_cast<uint8_t>(pixels[c * kPlane + i]);
    }
  }
  return image;
}

Result<std::vector<uint8_t>> ReadCifarLabels(const fs::path& file, const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(const std::string bytes,
                           ReadFileInside(file, roots, kMaxCifarFileBytes));
  const auto record = static_cast<size_t>(RecordBytes(file));
  if (bytes.empty() || bytes.size() % record != 0) {
    return Status(Code::kInvalidArgument,
                  file.string() + ": it has " + std::to_string(bytes.size()) +
                      " bytes, which are no whole pictures of " + std::to_string(record) +
                      " bytes: cut short, or not of CIFAR's binary version");
  }
  std::vector<uint8_t> labels;
  labels.reserve(bytes.size() / record);
  const auto label = static_cast<size_t>(CifarLabelBytes(file) - 1);
  for (size_t begin = 0; begin < bytes.size(); begin += record) {
    labels.push_back(static_cast<uint8_t>(bytes[begin + label]));
  }
  return labels;
}

}  // namespace distill::core
