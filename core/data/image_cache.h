#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/mutex.h"
#include "core/data/rgb_image.h"

namespace distill::core {

/// Images by position, kept for ever, up to a limit of bytes. Thread-safe.
class ImageCache {
 public:
  /// `max_bytes` 0 keeps nothing.
  ImageCache(size_t num_positions, int64_t max_bytes);

  bool is_enabled() const { return max_bytes_ > 0; }

  /// Returns the image at `position`, or null. Valid as long as the cache.
  const RgbImage* Find(size_t position) const EXCLUDES(mutex_);

  /// Keeps `image`, unless that passes the limit or the position is taken.
  void Insert(size_t position, RgbImage image) EXCLUDES(mutex_);

 private:
  const int64_t max_bytes_;

  mutable Mutex mutex_;
  int64_t bytes_ GUARDED_BY(mutex_) = 0;
  // An entry never changes once it is filled, and the vector never moves.
  std::vector<RgbImage> images_ GUARDED_BY(mutex_);
};

}  // namespace distill::core
