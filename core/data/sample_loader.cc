#include "core/data/sample_loader.h"

#include <algorithm>
#include <utility>

#include "core/data/augment.h"
#include "core/data/crop.h"
#include "core/data/image_decode.h"
#include "core/data/image_resize.h"

namespace distill::core {
namespace {

// Tells the numbers drawn for an image apart from those drawn for the order of the epoch.
constexpr uint64_t kImageStream = 0x696D616765;

// Returns the shorter side of the resized image that crops are taken from.
int ShorterSide(const BatchSourceOptions& options) {
  const auto size = static_cast<int>(options.image_size);
  const bool is_enlarged =
      options.ten_crop || (options.is_training && options.augmentation.crop_padding == 0);
  return is_enlarged ? EnlargedSide(size) : size;
}

uint8_t* CopyPixels(const RgbImage& image, uint8_t* output) {
  return std::copy(image.pixels.begin(), image.pixels.end(), output);
}

}  // namespace

SampleLoader::SampleLoader(const std::vector<ManifestEntry>& entries,
                           const BatchSourceOptions& options)
    : entries_(entries),
      options_(options),
      image_size_(static_cast<int>(options.image_size)),
      shorter_side_(ShorterSide(options)),
      cache_(entries.size(), options.cache_bytes) {}

int64_t SampleLoader::bytes_per_image() const {
  return crops_per_image() * 3 * options_.image_size * options_.image_size;
}

// What of the resized image any epoch may need.
PixelRect SampleLoader::RegionToKeep(ImageSize resized) const {
  if (options_.is_training || options_.ten_crop) return {0, 0, resized.width, resized.height};
  return CenterSquare(resized, image_size_);
}

Status SampleLoader::Load(int64_t index, int64_t epoch, uint8_t* output) {
  const auto position = static_cast<size_t>(index);
  Random random = Random::For(options_.seed, static_cast<uint64_t>(epoch),
                              static_cast<uint64_t>(index), kImageStream);
  if (const RgbImage* cached = cache_.Find(position)) {
    WriteCrops(*cached, random, output);
    return Status::Ok();
  }
  const Result<RgbImage> source = DecodeImageFile(entries_[position].path, options_.roots);
  if (!source.ok()) return {Code::kDataLoss, source.status().message()};
  const ImageSize resized = SizeWithShorterSide(source->size(), shorter_side_);
  const bool has_border = options_.augmentation.crop_padding > 0;
  if (options_.is_training && !has_border && !cache_.is_enabled()) {
    const PixelRect region = RandomSquare(resized, image_size_, random);
    WriteTraining(ResizeRegion(*source, resized, region), random, output);
    return Status::Ok();
  }
  RgbImage kept = ResizeRegion(*source, resized, RegionToKeep(resized));
  WriteCrops(kept, random, output);
  cache_.Insert(position, std::move(kept));
  return Status::Ok();
}

void SampleLoader::WriteCrops(const RgbImage& kept, Random& random, uint8_t* output) const {
  if (options_.is_training) {
    WriteTraining(RandomCrop(kept, random), random, output);
    return;
  }
  if (!options_.ten_crop) {
    CopyPixels(kept, output);
    return;
  }
  RgbImage image = kept;
  for (int pass = 0; pass < 2; ++pass) {
    for (const PixelRect& square : FiveSquares(image.size(), image_size_)) {
      output = CopyPixels(Crop(image, square), output);
    }
    MirrorHorizontally(image);
  }
}

RgbImage SampleLoader::RandomCrop(const RgbImage& resized, Random& random) const {
  const int border = options_.augmentation.crop_padding;
  const ImageSize bordered = {resized.width + 2 * border, resized.height + 2 * border};
  PixelRect region = RandomSquare(bordered, image_size_, random);
  region.x -= border;
  region.y -= border;
  return CropOrBlack(resized, region);
}

void SampleLoader::WriteTraining(RgbImage cropped, Random& random, uint8_t* output) const {
  Augment(options_.augmentation, random, cropped);
  CopyPixels(cropped, output);
}

}  // namespace distill::core
