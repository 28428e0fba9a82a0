// MobileNetV2 with weights trained on ImageNet against what PyTorch 1.13 made of 48 photographs
// (DISTILL_TEST_DATA/reference): from the very pixels, and from the files.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/durable_file.h"
#include "core/checkpoint/initial_weights.h"
#include "core/checkpoint/tensor_file.h"
#include "core/data/crop.h"
#include "core/data/image_decode.h"
#include "core/data/image_resize.h"
#include "core/device/image_normalizer.h"
#include "core/model/model.h"
#include "tests/matchers/status_matchers.h"

namespace distill::core {
namespace {

constexpr int kSide = 224;
constexpr int kResizedSide = 256;

class ImageNetLogitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("DISTILL_TEST_DATA");
    root_ = root == nullptr ? "" : root;
    if (!std::filesystem::exists(root_ / "imagenet48")) GTEST_SKIP() << "no DISTILL_TEST_DATA";
    auto model = CreateModel("mobilenetv2", 1000);
    ASSERT_OK(model);
    model_ = std::move(model).value();
    const auto file = ReadTensorFile(root_ / "weights" / "mobilenet_v2-imagenet.safetensors");
    ASSERT_OK(file);
    ASSERT_OK(LoadExact(*model_, file->tensors));
    model_->SetTraining(false);
    expected_ =
        ReadNpy("imagenet48_logits__mobilenet_v2-imagenet.npy", at::kFloat).view({48, 1000});
  }

  // The content of an array in NumPy's format 1.0, in C order, without its shape.
  at::Tensor ReadNpy(const std::string& name, at::ScalarType type) const {
    const auto bytes = ReadFile(root_ / "reference" / name);
    EXPECT_OK(bytes);
    const size_t header =
        static_cast<uint8_t>((*bytes)[8]) + 256U * static_cast<uint8_t>((*bytes)[9]);
    const size_t begin = 10 + header;
    const auto count = static_cast<int64_t>((bytes->size() - begin) / c10::elementSize(type));
    at::Tensor array = at::empty({count}, at::TensorOptions().dtype(type));
    std::copy(bytes->begin() + static_cast<std::ptrdiff_t>(begin), bytes->end(),
              static_cast<char*>(array.data_ptr()));
    return array;
  }

  // `images`: [n, 3, 224, 224], uint8.
  at::Tensor LogitsOf(const at::Tensor& images) const {
    const at::NoGradGuard no_grad;
    const ImageNormalizer normalizer({0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, at::kCPU);
    return model_->Forward(normalizer.Apply(images), /*want_blocks=*/false).logits;
  }

  // As torchvision's Resize(256) and CenterCrop(224).
  at::Tensor PixelsOf(const std::filesystem::path& file) const {
    const auto image = DecodeImageFile(file);
    EXPECT_OK(image);
    const ImageSize resized = SizeWithShorterSide(image->size(), kResizedSide);
    const RgbImage crop = ResizeRegion(*image, resized, CenterSquare(resized, kSide));
    const at::Tensor rows = at::empty({kSide, kSide, 3}, at::kByte);
    std::copy(crop.pixels.begin(), crop.pixels.end(), rows.data_ptr<uint8_t>());
    return rows.permute({2, 0, 1});
  }

  std::filesystem::path root_;
  std::unique_ptr<Model> model_;
  at::Tensor expected_;
};

TEST_F(ImageNetLogitsTest, EqualPyTorchsFromTheSamePixels) {
  const at::Tensor pixels =
      ReadNpy("imagenet48_input_u8_first16.npy", at::kByte).view({16, 3, kSide, kSide});

  const at::Tensor difference = LogitsOf(pixels) - expected_.narrow(0, 0, 16);

  EXPECT_LT(difference.abs().max().item<double>(), 1e-3);
}

TEST_F(ImageNetLogitsTest, NameTheSameClassesFromTheFiles) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(root_ / "imagenet48")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_EQ(files.size(), 48U);
  std::vector<at::Tensor> pixels;
  for (const auto& file : files) pixels.push_back(PixelsOf(file));

  const at::Tensor logits = LogitsOf(at::stack(pixels));

  EXPECT_EQ(logits.argmax(1).eq(expected_.argmax(1)).sum().item<int64_t>(), 48);
}

}  // namespace
}  // namespace distill::core
