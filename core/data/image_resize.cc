#include "core/data/image_resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

// The inner loops are compiled twice, for AVX2 and for the plain instruction set, and chosen when
// the program starts. They work on whole numbers, so that both give the same pixels.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define DISTILL_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define DISTILL_VECTOR_CLONES
#endif

namespace distill::core {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);

inline int RoundHalfUp(double value) { return static_cast<int>(std::floor(value + 0.5)); }

// The weights of one output position: weights[0] belongs to input position `first`.
struct Taps {
  int first = 0;
  int count = 0;
  const int32_t* weights = nullptr;
};

// The filter of a run of output positions along one axis.
class AxisFilter {
 public:
  AxisFilter(int input_size, int output_size, int first_output, int num_outputs);

  const Taps& at(int i) const { return taps_[static_cast<size_t>(i)]; }
  int first_input() const { return taps_.front().first; }
  int end_input() const { return taps_.back().first + taps_.back().count; }

 private:
  std::vector<int32_t> weights_;
  std::vector<Taps> taps_;
};

AxisFilter::AxisFilter(int input_size, int output_size, int first_output, int num_outputs) {
  const double scale = static_cast<double>(input_size) / output_size;
  const double support = std::max(scale, 1.0);
  const auto max_taps = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  weights_.resize(max_taps * static_cast<size_t>(num_outputs));
  std::vector<double> exact(max_taps);
  for (int i = 0; i < num_outputs; ++i) {
    const double center = (first_output + i + 0.5) * scale;
    const int begin = std::max(RoundHalfUp(center - support), 0);
    const int end = std::min(RoundHalfUp(center + support), input_size);
    double sum = 0;
    for (int x = begin; x < end; ++x) {
      const double distance = std::abs((x - center + 0.5) * (1.0 / support));
      const double weight = distance < 1.0 ? 1.0 - distance : 0.0;
      exact[static_cast<size_t>(x - begin)] = weight;
      sum += weight;
    }
    int32_t* weights = weights_.data() + max_taps * static_cast<size_t>(i);
    for (int k = 0; k < end - begin; ++k) {
      const double share = exact[static_cast<size_t>(k)] / sum;
      weights[k] = RoundHalfUp(share * (1 << kPrecisionBits));
    }
    taps_.push_back({begin, end - begin, weights});
  }
}

inline uint8_t ToByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

// How many rows the pass along the rows takes at once, and with them how many bytes stand side by
// side, so that its inner loop runs over neighbouring bytes.
constexpr int kBlockRows = 16;
constexpr int kLanes = kBlockRows * 3;

// output[lane] = sum over taps of weight * input[tap][lane], for lanes `stride` bytes apart by tap.
DISTILL_VECTOR_CLONES void FilterLanes(const uint8_t* input, const int32_t* weights, int count,
                                       uint8_t* output) {
  std::array<int32_t, kLanes> sums;
  sums.fill(kHalf);
  for (int k = 0; k < count; ++k) {
    const uint8_t* row = input + ptrdiff_t{k} * kLanes;
    const int32_t weight = weights[k];
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += row[lane] * weight;
  }
  for (size_t lane = 0; lane < kLanes; ++lane) output[lane] = ToByte(sums[lane]);
}

// Filters up to kBlockRows rows, from `first_row` on, along x.
class RowPass {
 public:
  RowPass(const RgbImage& source, const AxisFilter& filter, int num_outputs)
      : source_(source),
        filter_(filter),
        num_outputs_(num_outputs),
        first_x_(filter.first_input()),
        num_inputs_(filter.end_input() - filter.first_input()),
        input_(static_cast<size_t>(num_inputs_) * kLanes),
        output_(static_cast<size_t>(num_outputs) * kLanes) {}

  void Run(int first_row, int num_rows, uint8_t* output, ptrdiff_t output_stride) {
    for (int r = 0; r < num_rows; ++r) {
      Gather(source_.Row(first_row + r) + 3 * ptrdiff_t{first_x_}, r);
    }
    for (int x = 0; x < num_outputs_; ++x) {
      const Taps& taps = filter_.at(x);
      FilterLanes(input_.data() + ptrdiff_t{taps.first - first_x_} * kLanes, taps.weights,
                  taps.count, output_.data() + ptrdiff_t{x} * kLanes);
    }
    for (int r = 0; r < num_rows; ++r) Scatter(r, output + r * output_stride);
  }

 private:
  void Gather(const uint8_t* row, int r) {
    uint8_t* lanes = input_.data() + ptrdiff_t{r} * 3;
    for (int x = 0; x < num_inputs_; ++x) {
      std::memcpy(lanes + ptrdiff_t{x} * kLanes, row + ptrdiff_t{x} * 3, 3);
    }
  }

  void Scatter(int r, uint8_t* row) const {
    const uint8_t* lanes = output_.data() + ptrdiff_t{r} * 3;
    for (int x = 0; x < num_outputs_; ++x) {
      std::memcpy(row + ptrdiff_t{x} * 3, lanes + ptrdiff_t{x} * kLanes, 3);
    }
  }

  const RgbImage& source_;
  const AxisFilter& filter_;
  int num_outputs_;
  int first_x_;
  int num_inputs_;
  std::vector<uint8_t> input_;
  std::vector<uint8_t> output_;
};

// Returns columns [region.x, region.x + region.width) of rows [first_row, end_row), filtered along
// x.
RgbImage FilterRows(const RgbImage& source, int width, PixelRect region, int first_row,
                    int end_row) {
  RgbImage filtered(region.width, end_row - first_row);
  if (width == source.width) {
    for (int y = first_row; y < end_row; ++y) {
      std::memcpy(filtered.Row(y - first_row), source.Row(y) + ptrdiff_t{3} * region.x,
                  static_cast<size_t>(filtered.stride()));
    }
    return filtered;
  }
  const AxisFilter filter(source.width, width, region.x, region.width);
  RowPass pass(source, filter, region.width);
  for (int y = first_row; y < end_row; y += kBlockRows) {
    pass.Run(y, std::min(kBlockRows, end_row - y), filtered.Row(y - first_row), filtered.stride());
  }
  return filtered;
}

DISTILL_VECTOR_CLONES void AddWeighted(const uint8_t* input, int32_t weight, int32_t* sums,
                                       ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) sums[i] += input[i] * weight;
}

DISTILL_VECTOR_CLONES void StoreBytes(const int32_t* sums, uint8_t* output, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) output[i] = ToByte(sums[i]);
}

}  // namespace

RgbImage ResizeRegion(const RgbImage& source, ImageSize size, PixelRect region) {
  if (size.height == source.height) {
    return FilterRows(source, size.width, region, region.y, region.y + region.height);
  }
  const AxisFilter filter(source.height, size.height, region.y, region.height);
  const int first_row = filter.first_input();
  const RgbImage rows = FilterRows(source, size.width, region, first_row, filter.end_input());

  RgbImage resized(region.width, region.height);
  std::vector<int32_t> sums(static_cast<size_t>(resized.stride()));
  for (int y = 0; y < region.height; ++y) {
    const Taps& taps = filter.at(y);
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < taps.count; ++k) {
      AddWeighted(rows.Row(taps.first - first_row + k), taps.weights[k], sums.data(),
                  resized.stride());
    }
    StoreBytes(sums.data(), resized.Row(y), resized.stride());
  }
  return resized;
}

}  // namespace distill::core
