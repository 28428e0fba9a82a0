#include "core/device/image_normalizer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill::core {
namespace {

constexpr std::array<double, 3> kMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kStd = {0.229, 0.224, 0.225};

at::Tensor EveryByte() {
  // [2, 3, 4, 32]: each of the 256 bytes in each channel.
  const at::Tensor bytes = at::arange(256, at::kLong).reshape({2, 1, 4, 32}).to(at::kByte);
  return bytes.expand({2, 3, 4, 32}).contiguous();
}

/// torchvision's ToTensor and Normalize, in float64.
at::Tensor Expected(const at::Tensor& images) {
  at::Tensor result = images.to(at::kDouble) / 255.0;
  for (int64_t channel = 0; channel < 3; ++channel) {
    const auto index = static_cast<size_t>(channel);
    result.select(1, channel).sub_(kMean[index]).div_(kStd[index]);
  }
  return result;
}

TEST(ImageNormalizerTest, GivesThePublishedFormulaForEveryByte) {
  const ImageNormalizer normalizer(kMean, kStd, at::Device(at::kCPU));
  const at::Tensor result = normalizer.Apply(EveryByte());
  EXPECT_EQ(result.scalar_type(), at::kFloat);
  EXPECT_TRUE(result.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_LT((result - Expected(EveryByte())).abs().max().item<double>(), 5e-7);
}

TEST(ImageNormalizerTest, MemoryFormatsGiveTheSameBits) {
  const ImageNormalizer normalizer(kMean, kStd, at::Device(at::kCPU));
  const at::Tensor images = EveryByte();
  EXPECT_TRUE(at::equal(normalizer.Apply(images),
                        normalizer.Apply(images.contiguous(at::MemoryFormat::ChannelsLast))));
}

TEST(ImageNormalizerTest, ConvertsToTheDtypeAskedFor) {
  const ImageNormalizer normalizer(kMean, kStd, at::Device(at::kCPU), at::kBFloat16);
  EXPECT_EQ(normalizer.Apply(EveryByte()).scalar_type(), at::kBFloat16);
}

TEST(ImageNormalizerTest, OtherShapesAndTypesThrow) {
  const ImageNormalizer normalizer(kMean, kStd, at::Device(at::kCPU));
  EXPECT_THROW(normalizer.Apply(at::zeros({2, 1, 4, 4}, at::kByte)), c10::Error);
  EXPECT_THROW(normalizer.Apply(at::zeros({2, 3, 4, 4})), c10::Error);
}

}  // namespace
}  // namespace distill::core
