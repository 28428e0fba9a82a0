#include "core/base/architecture.h"

#include <algorithm>
#include <string>

namespace distill {
namespace {

constexpr std::string_view kTorchvision = "https://download.pytorch.org/models/";
constexpr std::string_view kTimm = "timm's ghostnet_100 (Hugging Face: timm/ghostnet_100.in1k)";

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
