#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace distill::core {

/// Draws images of other classes. Thread-compatible: const calls may run together.
class NegativeSampler {
 public:
  /// `image_classes`: the class of every image. REQUIRES: at least two classes have images.
  explicit NegativeSampler(const std::vector<int64_t>& image_classes);

  /// Returns for each of `images` [batch], int64, on the CPU, itself and `count` images of other
  /// classes, drawn uniformly, without repetition where there are as many: [batch, 1 + count],
  /// int64. A pure function of its arguments.
  at::Tensor Draw(const at::Tensor& images, int64_t count, uint64_t seed) const;

 private:
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
  };

  const std::vector<int64_t> image_classes_;
  std::vector<int64_t> by_class_;  // all images, those of a class together
  std::vector<Range> ranges_;      // of each class in by_class_
};

}  // namespace distill::core
