#include "core/data/image_cache.h"

#include <utility>

namespace distill::core {

ImageCache::ImageCache(size_t num_positions, int64_t max_bytes)
    : max_bytes_(max_bytes), images_(max_bytes > 0 ? num_positions : 0) {}

const RgbImage* ImageCache::Find(size_t position) const {
  if (!is_enabled()) return nullptr;
  const MutexLock lock(mutex_);
  const RgbImage& image = images_[position];
  return image.pixels.empty() ? nullptr : &image;
}

void ImageCache::Insert(size_t position, RgbImage image) {
  if (!is_enabled()) return;
  const auto size = static_cast<int64_t>(image.pixels.size());
  const MutexLock lock(mutex_);
  if (!images_[position].pixels.empty() || bytes_ + size > max_bytes_) return;
  bytes_ += size;
  images_[position] = std::move(image);
}

}  // namespace distill::core
