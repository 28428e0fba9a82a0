#include "core/base/architecture.h"

#include <algorithm>
#include <string>

namespace distill {
namespace {

constexpr std::string_view kTorchvision = "https://download.pytorch.org/models/";
constexpr std::string_view kTimm = "timm's ghostnet_100 (Hugging Face: timm/ghostnet_100.in1k)";

// For pictures of 32x32, with 100 classes as in CRD's table.
constexpr int kSmallPicture = 32;
constexpr int kCifarClasses = 100;
constexpr std::array<int, 4> kStridesFrom1 = {1, 2, 4, 0};
constexpr std::array<int, 4> kStridesFrom2 = {2, 4, 8, 0};
constexpr std::array<int, 4> kStridesOfVgg = {2, 4, 8, 8};

constexpr Architecture ForSmallPictures(std::string_view name, int64_t parameters,
                                        const std::array<int, 4>& block_channels, int embedding,
                                        const std::array<int, 4>& block_strides) {
  return {name, parameters,    block_channels, embedding,    "",
          "",   kSmallPicture, kCifarClasses,  block_strides};
}

// A ResNet of three stages: its embedding is as wide as the last.
constexpr Architecture CifarResNet(std::string_view name, int64_t parameters, int width) {
  return ForSmallPictures(name, parameters, {width, 2 * width, 4 * width, 0}, 4 * width,
                          kStridesFrom1);
}

constexpr std::array<int, 4> kBasicBlocks = {64, 128, 256, 512};
constexpr std::array<int, 4> kBottleneckBlocks = {256, 512, 1024, 2048};

}  // namespace

const std::vector<Architecture>& Architectures() {
  static const std::vector<Architecture> architectures = {
      {"mobilenetv2", 3504872, {24, 32, 96, 1280}, 1280, "mobilenet_v2-b0353104.pth", kTorchvision},
      {"resnet18", 11689512, kBasicBlocks, 512, "resnet18-f37072fd.pth", kTorchvision},
      {"resnet34", 21797672, kBasicBlocks, 512, "resnet34-b627a593.pth", kTorchvision},
      {"resnet50", 25557032, kBottleneckBlocks, 2048, "resnet50-0676ba61.pth", kTorchvision},
      {"resnet101", 44549160, kBottleneckBlocks, 2048, "resnet101-63fe2227.pth", kTorchvision},
      {"resnet152", 60192808, kBottleneckBlocks, 2048, "resnet152-394f9c45.pth", kTorchvision},
      {"ghostnet", 5182508, {24, 40, 112, 160}, 1280, "ghostnet_100.safetensors", kTimm},
      {"efficientnet_v2_s",
       21458488,
       {48, 64, 160, 1280},
       1280,
       "efficientnet_v2_s-dd5fe13b.pth",
       kTorchvision},
      {"efficientnet_v2_m",
       54139356,
       {48, 80, 176, 1280},
       1280,
       "efficientnet_v2_m-dc08266a.pth",
       kTorchvision},
      {"efficientnet_v2_l",
       118515272,
       {64, 96, 224, 1280},
       1280,
       "efficientnet_v2_l-59c71312.pth",
       kTorchvision},
      CifarResNet("resnet8", 83892, 16),
      CifarResNet("resnet14", 181108, 16),
      CifarResNet("resnet20", 278324, 16),
      CifarResNet("resnet32", 472756, 16),
      CifarResNet("resnet44", 667188, 16),
      CifarResNet("resnet56", 861620, 16),
      CifarResNet("resnet110", 1736564, 16),
      CifarResNet("resnet8x4", 1233540, 64),
      CifarResNet("resnet32x4", 7433860, 64),
      CifarResNet("resnet20-a", 275572, 16),
      CifarResNet("resnet32-a", 470004, 16),
      CifarResNet("resnet44-a", 664436, 16),
      CifarResNet("resnet56-a", 858868, 16),
      CifarResNet("resnet110-a", 1733812, 16),
      CifarResNet("wrn-16-1", 180916, 16),
      CifarResNet("wrn-16-2", 703284, 32),
      CifarResNet("wrn-40-1", 569780, 16),
      CifarResNet("wrn-40-2", 2255156, 32),
      ForSmallPictures("vgg8", 3965028, {128, 256, 512, 512}, 512, kStridesOfVgg),
      ForSmallPictures("vgg13", 9462180, {128, 256, 512, 512}, 512, kStridesOfVgg),
      ForSmallPictures("cifar-mobilenetv2", 812836, {12, 16, 48, 160}, 1280, {2, 4, 8, 16}),
      ForSmallPictures("cifar-shufflenetv1", 949258, {240, 480, 960, 0}, 960, kStridesFrom2),
      ForSmallPictures("cifar-shufflenetv2", 1355528, {116, 232, 464, 0}, 1024, kStridesFrom2),
      ForSmallPictures("cifar-resnet50", 23705252, kBottleneckBlocks, 2048, {1, 2, 4, 8}),
  };
  return architectures;
}

Result<Architecture> FindArchitecture(std::string_view name) {
  const std::vector<Architecture>& all = Architectures();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Architecture& entry) { return entry.name == name; });
  if (found != all.end()) return *found;
  std::string message = "no such model; there are";
  for (const Architecture& entry : all) message.append(" ").append(entry.name);
  return Status(Code::kNotFound, message + "; not: " + std::string(name));
}

}  // namespace distill
