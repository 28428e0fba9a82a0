#include "core/data/tone.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace distill::core {
namespace {

using LookUpTable = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

void ApplyTable(const LookUpTable& table, RgbImage& image) {
  for (uint8_t& value : image.pixels) value = table[value];
}

void ApplyTables(const std::array<LookUpTable, 3>& tables, RgbImage& image) {
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    for (size_t c = 0; c < 3; ++c) image.pixels[i + c] = tables[c][image.pixels[i + c]];
  }
}

std::array<Histogram, 3> HistogramsOf(const RgbImage& image) {
  std::array<Histogram, 3> histograms{};
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    for (size_t c = 0; c < 3; ++c) ++histograms[c][image.pixels[i + c]];
  }
  return histograms;
}

// Returns from + factor * (to - from) in single precision, cut to a byte: Pillow's Image.blend.
inline uint8_t Mix(int from, int to, float factor) {
  const float mixed = static_cast<float>(from) + factor * static_cast<float>(to - from);
  return static_cast<uint8_t>(std::clamp(mixed, 0.0F, 255.0F));
}

void MixWithConstant(int from, double factor, RgbImage& image) {
  LookUpTable table;
  for (int i = 0; i < 256; ++i) {
    table[static_cast<size_t>(i)] = Mix(from, i, static_cast<float>(factor));
  }
  ApplyTable(table, image);
}

inline int Luma(const uint8_t* pixel) {
  return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

// The filter (1 1 1; 1 5 1; 1 1 1) / 13, rounded.
RgbImage Smooth(const RgbImage& image) {
  RgbImage smooth = image;
  for (int y = 1; y + 1 < image.height; ++y) {
    const uint8_t* above = image.Row(y - 1);
    const uint8_t* here = image.Row(y);
    const uint8_t* below = image.Row(y + 1);
    uint8_t* out = smooth.Row(y);
    for (ptrdiff_t i = 3; i + 3 < image.stride(); ++i) {
      const int sum = above[i - 3] + above[i] + above[i + 3] + here[i - 3] + 5 * here[i] +
                      here[i + 3] + below[i - 3] + below[i] + below[i + 3];
      out[i] = static_cast<uint8_t>((2 * sum + 13) / 26);
    }
  }
  return smooth;
}

LookUpTable IdentityTable() {
  LookUpTable table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(i);
  return table;
}

LookUpTable StretchTable(const Histogram& histogram) {
  int low = 0;
  int high = 255;
  while (low < 255 && histogram[static_cast<size_t>(low)] == 0) ++low;
  while (high > 0 && histogram[static_cast<size_t>(high)] == 0) --high;
  LookUpTable table = IdentityTable();
  if (high <= low) return table;
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  for (int i = 0; i < 256; ++i) {
    const int stretched = static_cast<int>(i * scale + offset);
    table[static_cast<size_t>(i)] = static_cast<uint8_t>(std::clamp(stretched, 0, 255));
  }
  return table;
}

LookUpTable EqualizeTable(const Histogram& histogram, int64_t num_pixels) {
  LookUpTable table = IdentityTable();
  int64_t last = 0;
  for (const int64_t count : histogram) {
    if (count != 0) last = count;
  }
  const int64_t step = (num_pixels - last) / 255;
  if (step == 0) return table;
  int64_t below = step / 2;
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<uint8_t>(std::min(below / step, int64_t{255}));
    below += histogram[i];
  }
  return table;
}

}  // namespace

void AdjustBrightness(double factor, RgbImage& image) { MixWithConstant(0, factor, image); }

void AdjustColor(double factor, RgbImage& image) {
  const auto weight = static_cast<float>(factor);
  uint8_t* pixel = image.pixels.data();
  uint8_t* const end = pixel + image.pixels.size();
  for (; pixel != end; pixel += 3) {
    const int grey = Luma(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = Mix(grey, pixel[c], weight);
  }
}

void AdjustContrast(double factor, RgbImage& image) {
  int64_t sum = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3) sum += Luma(&image.pixels[i]);
  const size_t num_pixels = image.pixels.size() / 3;
  const int mean = static_cast<int>(
      std::floor(static_cast<double>(sum) / static_cast<double>(num_pixels) + 0.5));
  MixWithConstant(mean, factor, image);
}

void AdjustSharpness(double factor, RgbImage& image) {
  const RgbImage smooth = Smooth(image);
  const auto weight = static_cast<float>(factor);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = Mix(smooth.pixels[i], image.pixels[i], weight);
  }
}

void Posterize(int bits, RgbImage& image) {
  const auto mask = static_cast<uint8_t>(0xFF00U >> static_cast<unsigned>(bits));
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(value & mask);
}

void Solarize(double threshold, RgbImage& image) {
  LookUpTable table = IdentityTable();
  for (uint8_t& value : table) {
    if (value >= threshold) value = static_cast<uint8_t>(255 - value);
  }
  ApplyTable(table, image);
}

void AutoContrast(RgbImage& image) {
  const std::array<Histogram, 3> histograms = HistogramsOf(image);
  ApplyTables(
      {StretchTable(histograms[0]), StretchTable(histograms[1]), StretchTable(histograms[2])},
      image);
}

void Equalize(RgbImage& image) {
  const std::array<Histogram, 3> histograms = HistogramsOf(image);
  const auto num_pixels = static_cast<int64_t>(image.pixels.size() / 3);
  ApplyTables({EqualizeTable(histograms[0], num_pixels), EqualizeTable(histograms[1], num_pixels),
               EqualizeTable(histograms[2], num_pixels)},
              image);
}

void Invert(RgbImage& image) {
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(255 - value);
}

}  // namespace distill::core
