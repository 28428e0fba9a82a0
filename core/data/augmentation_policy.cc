#include "core/data/augmentation_policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/data/tone.h"

namespace distill::core {
namespace {

// The magnitudes that a policy's bins stand for, as torchvision 0.14 defines them.
struct MagnitudeSpace {
  int num_bins = 31;
  double shear = 0.3;
  double translate_x = 0;  // pixels
  double translate_y = 0;
  double rotate = 30;  // degrees
  double enhance = 0.9;
  int posterize_bits = 8;  // of bin 0
  int posterize_range = 4;
};

// Bin `bin` of an even division of [first, last], in single precision and from the nearer end, as
// PyTorch's linspace.
double BinValue(double first, double last, int bin, int num_bins) {
  const auto begin = static_cast<float>(first);
  const auto end = static_cast<float>(last);
  const float step = (end - begin) / static_cast<float>(num_bins - 1);
  return bin < num_bins / 2 ? begin + step * static_cast<float>(bin)
                            : end - step * static_cast<float>(num_bins - 1 - bin);
}

int PosterizeBits(const MagnitudeSpace& space, int bin) {
  const float bins_per_bit =
      static_cast<float>(space.num_bins - 1) / static_cast<float>(space.posterize_range);
  return space.posterize_bits -
         static_cast<int>(std::nearbyint(static_cast<float>(bin) / bins_per_bit));
}

double MagnitudeOf(const MagnitudeSpace& space, Operation operation, int bin) {
  const auto value = [&](double last) { return BinValue(0, last, bin, space.num_bins); };
  switch (operation) {
    case Operation::kShearX:
    case Operation::kShearY:
      return value(space.shear);
    case Operation::kTranslateX:
      return value(space.translate_x);
    case Operation::kTranslateY:
      return value(space.translate_y);
    case Operation::kRotate:
      return value(space.rotate);
    case Operation::kBrightness:
    case Operation::kColor:
    case Operation::kContrast:
    case Operation::kSharpness:
      return value(space.enhance);
    case Operation::kPosterize:
      return PosterizeBits(space, bin);
    case Operation::kSolarize:
      return BinValue(255, 0, bin, space.num_bins);
    default:
      return 0;
  }
}

bool IsSigned(Operation operation) {
  return operation >= Operation::kShearX && operation <= Operation::kSharpness;
}

void ApplyBin(const MagnitudeSpace& space, Operation operation, int bin, Random& random,
              RgbImage& image) {
  double magnitude = MagnitudeOf(space, operation, bin);
  if (IsSigned(operation) && random.Chance(0.5)) magnitude = -magnitude;
  ApplyOperation(operation, magnitude, Interpolation::kNearest, image);
}

MagnitudeSpace SearchedSpace(const RgbImage& image, int num_bins) {
  MagnitudeSpace space;
  space.num_bins = num_bins;
  space.translate_x = 150.0 / 331.0 * image.width;
  space.translate_y = 150.0 / 331.0 * image.height;
  return space;
}

// The first operation of RandAugment and TrivialAugment, and how many they choose from: all but
// the inversion.
constexpr uint64_t kNumUniformOperations = 14;

Operation AnyOperation(Random& random) {
  return static_cast<Operation>(random.Below(kNumUniformOperations));
}

struct Step {
  Operation operation;
  double probability;
  int bin;  // of 10
};

using Op = Operation;
constexpr std::array<std::array<Step, 2>, 25> kImageNetPolicy = {{
    {{{Op::kPosterize, 0.4, 8}, {Op::kRotate, 0.6, 9}}},
    {{{Op::kSolarize, 0.6, 5}, {Op::kAutoContrast, 0.6, 0}}},
    {{{Op::kEqualize, 0.8, 0}, {Op::kEqualize, 0.6, 0}}},
    {{{Op::kPosterize, 0.6, 7}, {Op::kPosterize, 0.6, 6}}},
    {{{Op::kEqualize, 0.4, 0}, {Op::kSolarize, 0.2, 4}}},
    {{{Op::kEqualize, 0.4, 0}, {Op::kRotate, 0.8, 8}}},
    {{{Op::kSolarize, 0.6, 3}, {Op::kEqualize, 0.6, 0}}},
    {{{Op::kPosterize, 0.8, 5}, {Op::kEqualize, 1.0, 0}}},
    {{{Op::kRotate, 0.2, 3}, {Op::kSolarize, 0.6, 8}}},
    {{{Op::kEqualize, 0.6, 0}, {Op::kPosterize, 0.4, 6}}},
    {{{Op::kRotate, 0.8, 8}, {Op::kColor, 0.4, 0}}},
    {{{Op::kRotate, 0.4, 9}, {Op::kEqualize, 0.6, 0}}},
    {{{Op::kEqualize, 0.0, 0}, {Op::kEqualize, 0.8, 0}}},
    {{{Op::kInvert, 0.6, 0}, {Op::kEqualize, 1.0, 0}}},
    {{{Op::kColor, 0.6, 4}, {Op::kContrast, 1.0, 8}}},
    {{{Op::kRotate, 0.8, 8}, {Op::kColor, 1.0, 2}}},
    {{{Op::kColor, 0.8, 8}, {Op::kSolarize, 0.8, 7}}},
    {{{Op::kSharpness, 0.4, 7}, {Op::kInvert, 0.6, 0}}},
    {{{Op::kShearX, 0.6, 5}, {Op::kEqualize, 1.0, 0}}},
    {{{Op::kColor, 0.4, 0}, {Op::kEqualize, 0.6, 0}}},
    {{{Op::kEqualize, 0.4, 0}, {Op::kSolarize, 0.2, 4}}},
    {{{Op::kSolarize, 0.6, 5}, {Op::kAutoContrast, 0.6, 0}}},
    {{{Op::kInvert, 0.6, 0}, {Op::kEqualize, 1.0, 0}}},
    {{{Op::kColor, 0.6, 4}, {Op::kContrast, 1.0, 8}}},
    {{{Op::kEqualize, 0.8, 0}, {Op::kEqualize, 0.6, 0}}},
}};

constexpr std::array<Operation, 13> kAugMixOperations = {
    Op::kShearX,    Op::kShearY,   Op::kTranslateX,   Op::kTranslateY, Op::kRotate,
    Op::kPosterize, Op::kSolarize, Op::kAutoContrast, Op::kEqualize,   Op::kBrightness,
    Op::kColor,     Op::kContrast, Op::kSharpness};
constexpr int kAugMixChains = 3;
constexpr int kAugMixSeverity = 3;
constexpr int kAugMixMaxDepth = 3;

MagnitudeSpace AugMixSpace(const RgbImage& image) {
  MagnitudeSpace space;
  space.num_bins = 10;
  space.translate_x = image.width / 3.0;
  space.translate_y = image.height / 3.0;
  space.posterize_bits = 4;
  return space;
}

RgbImage AugMixChain(const RgbImage& image, Random& random) {
  const MagnitudeSpace space = AugMixSpace(image);
  RgbImage chain = image;
  const uint64_t depth = 1 + random.Below(kAugMixMaxDepth);
  for (uint64_t i = 0; i < depth; ++i) {
    const Operation operation = kAugMixOperations[random.Below(kAugMixOperations.size())];
    const auto bin = static_cast<int>(random.Below(kAugMixSeverity));
    double magnitude = MagnitudeOf(space, operation, bin);
    if (IsSigned(operation) && random.Chance(0.5)) magnitude = -magnitude;
    ApplyOperation(operation, magnitude, Interpolation::kBilinear, chain);
  }
  return chain;
}

// Draws from the Dirichlet distribution whose parameters are all 1: exponential numbers, divided by
// their sum.
std::array<double, kAugMixChains> FlatDirichlet(Random& random) {
  std::array<double, kAugMixChains> shares{};
  double sum = 0;
  for (double& share : shares) sum += share = -std::log(1.0 - random.Uniform());
  for (double& share : shares) share /= sum;
  return shares;
}

void AddScaled(const RgbImage& image, double weight, std::vector<float>& mix) {
  const auto factor = static_cast<float>(weight);
  for (size_t i = 0; i < mix.size(); ++i) mix[i] += factor * static_cast<float>(image.pixels[i]);
}

}  // namespace

void ApplyOperation(Operation operation, double magnitude, Interpolation interpolation,
                    RgbImage& image) {
  switch (operation) {
    case Operation::kIdentity:
      return;
    case Operation::kShearX:
      image = TransformAffine(image, {1, magnitude, 0, 0, 1, 0}, interpolation);
      return;
    case Operation::kShearY:
      image = TransformAffine(image, {1, 0, 0, magnitude, 1, 0}, interpolation);
      return;
    case Operation::kTranslateX:
      image = TransformAffine(image, {1, 0, -std::trunc(magnitude), 0, 1, 0}, interpolation);
      return;
    case Operation::kTranslateY:
      image = TransformAffine(image, {1, 0, 0, 0, 1, -std::trunc(magnitude)}, interpolation);
      return;
    case Operation::kRotate:
      image = Rotate(image, magnitude, interpolation);
      return;
    case Operation::kBrightness:
      return AdjustBrightness(1.0 + magnitude, image);
    case Operation::kColor:
      return AdjustColor(1.0 + magnitude, image);
    case Operation::kContrast:
      return AdjustContrast(1.0 + magnitude, image);
    case Operation::kSharpness:
      return AdjustSharpness(1.0 + magnitude, image);
    case Operation::kPosterize:
      return Posterize(static_cast<int>(magnitude), image);
    case Operation::kSolarize:
      return Solarize(magnitude, image);
    case Operation::kAutoContrast:
      return AutoContrast(image);
    case Operation::kEqualize:
      return Equalize(image);
    case Operation::kInvert:
      return Invert(image);
  }
}

void AutoAugmentImageNet(Random& random, RgbImage& image) {
  const MagnitudeSpace space = SearchedSpace(image, 10);
  for (const Step& step : kImageNetPolicy[random.Below(kImageNetPolicy.size())]) {
    if (random.Chance(step.probability)) ApplyBin(space, step.operation, step.bin, random, image);
  }
}

void RandAugment(int num_operations, int magnitude, Random& random, RgbImage& image) {
  const MagnitudeSpace space = SearchedSpace(image, 31);
  for (int i = 0; i < num_operations; ++i) {
    ApplyBin(space, AnyOperation(random), magnitude, random, image);
  }
}

void TrivialAugmentWide(Random& random, RgbImage& image) {
  MagnitudeSpace space;
  space.shear = 0.99;
  space.translate_x = space.translate_y = 32;
  space.rotate = 135;
  space.enhance = 0.99;
  space.posterize_range = 6;
  const Operation operation = AnyOperation(random);
  const auto bin = static_cast<int>(random.Below(static_cast<uint64_t>(space.num_bins)));
  ApplyBin(space, operation, bin, random, image);
}

void AugMix(Random& random, RgbImage& image) {
  const double original_share = random.Uniform();  // Beta(1, 1)
  const std::array<double, kAugMixChains> shares = FlatDirichlet(random);
  std::vector<float> mix(image.pixels.size());
  AddScaled(image, original_share, mix);
  for (const double share : shares) {
    AddScaled(AugMixChain(image, random), share * (1.0 - original_share), mix);
  }
  for (size_t i = 0; i < mix.size(); ++i) {
    image.pixels[i] = static_cast<uint8_t>(std::min(mix[i], 255.0F));
  }
}

}  // namespace distill::core
