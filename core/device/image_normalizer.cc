#include "core/device/image_normalizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace distill::core {
namespace {

constexpr int64_t kChannels = 3;

at::Tensor PerChannel(const std::array<double, 3>& values, const at::Device& device) {
  return at::tensor({values[0], values[1], values[2]}, at::kDouble)
      .to(at::kFloat)
      .view({1, kChannels, 1, 1})
      .to(device);
}

}  // namespace

ImageNormalizer::ImageNormalizer(const std::array<double, 3>& mean,
                                 const std::array<double, 3>& std, const at::Device& device,
                                 at::ScalarType dtype)
    : device_(device),
      dtype_(dtype),
      mean_(PerChannel(mean, device)),
      std_(PerChannel(std, device)) {
  constexpr float kMaxByte = 255.0F;
  for (size_t channel = 0; channel < table_.size(); ++channel) {
    for (size_t byte = 0; byte < table_[channel].size(); ++byte) {
      table_[channel][byte] =
          (static_cast<float>(byte) / kMaxByte - static_cast<float>(mean[channel])) /
          static_cast<float>(std[channel]);
    }
  }
}

at::Tensor ImageNormalizer::Apply(const at::Tensor& images) const {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == kChannels && images.scalar_type() == at::kByte,
              "images must be uint8 [batch, 3, height, width], not ", images.sizes());
  if (device_.is_cpu()) return ApplyOnCpu(images);
  constexpr double kMaxByte = 255.0;
  const at::Tensor packed = images.contiguous(at::MemoryFormat::ChannelsLast).pin_memory();
  at::Tensor pixels = packed.to(device_, /*non_blocking=*/true).to(at::kFloat);
  return pixels.div_(kMaxByte).sub_(mean_).div_(std_).to(dtype_);
}

at::Tensor ImageNormalizer::ApplyOnCpu(const at::Tensor& images) const {
  // A channels_last tensor is, in memory, one row of interleaved pixels. Tensor operations that
  // broadcast over three channels run an inner loop of three there; a table is far faster.
  const at::Tensor packed = images.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor result =
      at::empty(packed.sizes(), packed.options().dtype(at::kFloat), at::MemoryFormat::ChannelsLast);
  const uint8_t* from = packed.data_ptr<uint8_t>();
  float* to = result.data_ptr<float>();
  constexpr int64_t kPixelsPerTask = 16384;
  at::parallel_for(0, packed.numel() / kChannels, kPixelsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t position = begin * kChannels; position < end * kChannels; position += kChannels) {
      to[position] = table_[0][from[position]];
      to[position + 1] = table_[1][from[position + 1]];
      to[position + 2] = table_[2][from[position + 2]];
    }
  });
  return result.to(dtype_);
}

}  // namespace distill::core
