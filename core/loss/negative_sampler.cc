#include "core/loss/negative_sampler.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "core/base/random.h"

namespace distill::core {
namespace {

// Which of many numbers were drawn; starting anew costs nothing.
class DrawnMarks {
 public:
  explicit DrawnMarks(size_t size) : marks_(size) {}

  void StartAnew() { ++round_; }
  /// Returns whether `number` is new, and marks it.
  bool Mark(int64_t number) {
    uint32_t& mark = marks_[static_cast<size_t>(number)];
    if (mark == round_) return false;
    mark = round_;
    return true;
  }

 private:
  std::vector<uint32_t> marks_;
  uint32_t round_ = 0;
};

// Draws `count` of the numbers below `bound`, without repetition where there are as many (R. Floyd,
// in Bentley 1987, "Programming pearls: a sample of brilliance").
template <typename Take>
void DrawBelow(int64_t bound, int64_t count, Random& random, DrawnMarks& marks, Take take) {
  if (count > bound) {
    for (int64_t i = 0; i < count; ++i) {
      take(static_cast<int64_t>(random.Below(static_cast<uint64_t>(bound))));
    }
    return;
  }
  marks.StartAnew();
  for (int64_t last = bound - count; last < bound; ++last) {
    const auto drawn = static_cast<int64_t>(random.Below(static_cast<uint64_t>(last + 1)));
    const bool is_new = marks.Mark(drawn);
    if (!is_new) marks.Mark(last);
    take(is_new ? drawn : last);
  }
}

}  // namespace

NegativeSampler::NegativeSampler(const std::vector<int64_t>& image_classes)
    : image_classes_(image_classes), by_class_(image_classes.size()) {
  std::iota(by_class_.begin(), by_class_.end(), 0);
  std::stable_sort(by_class_.begin(), by_class_.end(), [this](int64_t left, int64_t right) {
    return image_classes_[static_cast<size_t>(left)] < image_classes_[static_cast<size_t>(right)];
  });
  for (size_t i = 0; i < by_class_.size(); ++i) {
    const auto label = static_cast<size_t>(image_classes_[static_cast<size_t>(by_class_[i])]);
    if (ranges_.size() <= label) ranges_.resize(label + 1);
    if (ranges_[label].end == 0) ranges_[label].begin = static_cast<int64_t>(i);
    ranges_[label].end = static_cast<int64_t>(i) + 1;
  }
}

at::Tensor NegativeSampler::Draw(const at::Tensor& images, int64_t count, uint64_t seed) const {
  const int64_t batch = images.size(0);
  at::Tensor drawn = at::empty({batch, count + 1}, at::kLong);
  int64_t* out = drawn.data_ptr<int64_t>();
  const at::Tensor own = images.contiguous();
  DrawnMarks marks(by_class_.size());
  Random random(seed);
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t image = own.data_ptr<int64_t>()[i];
    const auto label = static_cast<size_t>(image_classes_[static_cast<size_t>(image)]);
    const Range range = ranges_[label];
    const int64_t of_class = range.end - range.begin;
    *out++ = image;
    DrawBelow(static_cast<int64_t>(by_class_.size()) - of_class, count, random, marks,
              [&](int64_t place) {
                *out++ =
                    by_class_[static_cast<size_t>(place < range.begin ? place : place + of_class)];
              });
  }
  return drawn;
}

}  // namespace distill::core
