#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/rooted_file.h"
#include "core/base/status.h"
#include "core/data/augmentation.h"
#include "core/data/manifest.h"

namespace distill::core {

/// Images as they leave the CPU: bytes, so that a quarter of the memory travels to the device and
/// normalisation runs there.
struct Batch {
  /// [batch, 3, size, size], uint8, RGB, channels_last. With ten-crop TTA: [batch * 10, 3, ...],
  /// the ten crops of an image one after the other.
  at::Tensor images;
  /// [batch], int64: class indices.
  at::Tensor labels;
  /// Position of each image in the source's entries.
  std::vector<int64_t> indices;
};

struct BatchSourceOptions {
  int64_t image_size = 224;  // pixels
  int64_t batch_size = 64;   // images
  int num_threads = 1;       // that decode and augment ahead of the consumer
  int64_t prefetch_batches = 3;
  uint64_t seed = 0;
  /// Training: shuffled by (seed, epoch), resize shorter side to int(1.1 * size), or to size where
  /// the crop has a border (AugmentationOptions::crop_padding), random crop, `augmentation`.
  /// Otherwise: in order, resize to size, centre crop; with `ten_crop`, resize to int(1.1 * size)
  /// and ten crops.
  bool is_training = false;
  bool ten_crop = false;
  /// Training: leave a last, smaller batch out (never the only one).
  bool drop_last = false;
  AugmentationOptions augmentation;
  /// Decoded and resized images are kept in memory, up to this many bytes of pixels, so that later
  /// epochs need not read and decode them again; images beyond it are read each time. 0 = off. What
  /// the source yields does not depend on it.
  int64_t cache_bytes = 0;
  /// Whether batches lie in page-locked memory, from which a GPU copies while the program goes on.
  /// Needs a GPU.
  bool pinned = false;
  Roots roots{};  // that images are read from
};

/// Decodes and augments a list of images in threads of its own, ahead of the consumer. What it
/// yields is a pure function of (entries, options less num_threads, prefetch_batches and
/// cache_bytes, epoch): the number of threads changes nothing. One consumer thread; the destructor
/// joins the threads, in mid-epoch too.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// Starts `epoch` (from 0) at batch `first_batch`; what was under way is dropped.
  virtual void StartEpoch(int64_t epoch, int64_t first_batch = 0) = 0;

  /// Returns the next batch, or nullopt at the epoch's end. Blocks until it is decoded.
  /// kDataLoss: an image cannot be read or decoded; the message gives its path and the cause, of
  /// the first such image in the batch. The next call goes on with the next batch.
  /// kFailedPrecondition: no epoch was started.
  virtual Result<std::optional<Batch>> Next() = 0;

  /// Returns the number of batches in an epoch.
  virtual int64_t num_batches() const = 0;
};

/// Makes a source over `entries`. kInvalidArgument: no entries, or an option out of range.
Result<std::unique_ptr<BatchSource>> CreateBatchSource(std::vector<ManifestEntry> entries,
                                                       const BatchSourceOptions& options);

}  // namespace distill::core
