#include <algorithm>
#include <array>

#include "core/base/architecture.h"
#include "core/model/cifar_mobilenet_v2.h"
#include "core/model/cifar_resnet.h"
#include "core/model/cifar_shufflenet.h"
#include "core/model/cifar_vgg.h"
#include "core/model/efficientnet_v2.h"
#include "core/model/ghostnet.h"
#include "core/model/mobilenet_v2.h"
#include "core/model/model.h"
#include "core/model/resnet.h"
#include "core/model/wide_resnet.h"

namespace distill::core {
namespace {

using Factory = std::unique_ptr<Model> (*)(int64_t num_classes);

template <bool kHasBottlenecks, int64_t... kDepths>
std::unique_ptr<Model> ResNetFactory(int64_t num_classes) {
  return MakeResNet({kHasBottlenecks, {kDepths...}}, num_classes);
}

template <EfficientNetV2Size kSize>
std::unique_ptr<Model> EfficientNetV2Factory(int64_t num_classes) {
  return MakeEfficientNetV2(kSize, num_classes);
}

// Blocks of `kBlocks` each in layer1 to layer3; `kWidth` times 16 channels in layer1.
template <int64_t kBlocks, int64_t kWidth = 1>
std::unique_ptr<Model> CifarResNetFactory(int64_t num_classes) {
  CifarResNetOptions options;
  options.depths = {kBlocks, kBlocks, kBlocks};
  options.stem_channels = kWidth == 1 ? 16 : 32;
  options.first_width = 16 * kWidth;
  return MakeCifarResNet(options, num_classes);
}

template <int64_t kBlocks>
std::unique_ptr<Model> IdentityResNetFactory(int64_t num_classes) {
  CifarResNetOptions options;
  options.style = CifarResNetStyle::kAkamaster;
  options.depths = {kBlocks, kBlocks, kBlocks};
  return MakeCifarResNet(options, num_classes);
}

std::unique_ptr<Model> MakeCifarResNet50(int64_t num_classes) {
  CifarResNetOptions options;
  options.style = CifarResNetStyle::kRepDistillerDeep;
  options.has_bottlenecks = true;
  options.depths = {3, 4, 6, 3};
  options.stem_channels = 64;
  options.first_width = 64;
  return MakeCifarResNet(options, num_classes);
}

template <int64_t kDepth, int64_t kWidening>
std::unique_ptr<Model> WideResNetFactory(int64_t num_classes) {
  return MakeWideResNet(kDepth, kWidening, num_classes);
}

template <int64_t kConvolutionsEach>
std::unique_ptr<Model> CifarVggFactory(int64_t num_classes) {
  return MakeCifarVgg(kConvolutionsEach, num_classes);
}

struct CatalogEntry {
  std::string_view name;
  Factory factory;
};

constexpr std::array kCatalog = {
    CatalogEntry{"mobilenetv2", MakeMobileNetV2},
    CatalogEntry{"resnet18", ResNetFactory<false, 2, 2, 2, 2>},
    CatalogEntry{"resnet34", ResNetFactory<false, 3, 4, 6, 3>},
    CatalogEntry{"resnet50", ResNetFactory<true, 3, 4, 6, 3>},
    CatalogEntry{"resnet101", ResNetFactory<true, 3, 4, 23, 3>},
    CatalogEntry{"resnet152", ResNetFactory<true, 3, 8, 36, 3>},
    CatalogEntry{"ghostnet", MakeGhostNet},
    CatalogEntry{"efficientnet_v2_s", EfficientNetV2Factory<EfficientNetV2Size::kSmall>},
    CatalogEntry{"efficientnet_v2_m", EfficientNetV2Factory<EfficientNetV2Size::kMedium>},
    CatalogEntry{"efficientnet_v2_l", EfficientNetV2Factory<EfficientNetV2Size::kLarge>},
    CatalogEntry{"resnet8", CifarResNetFactory<1>},
    CatalogEntry{"resnet14", CifarResNetFactory<2>},
    CatalogEntry{"resnet20", CifarResNetFactory<3>},
    CatalogEntry{"resnet32", CifarResNetFactory<5>},
    CatalogEntry{"resnet44", CifarResNetFactory<7>},
    CatalogEntry{"resnet56", CifarResNetFactory<9>},
    CatalogEntry{"resnet110", CifarResNetFactory<18>},
    CatalogEntry{"resnet8x4", CifarResNetFactory<1, 4>},
    CatalogEntry{"resnet32x4", CifarResNetFactory<5, 4>},
    CatalogEntry{"resnet20-a", IdentityResNetFactory<3>},
    CatalogEntry{"resnet32-a", IdentityResNetFactory<5>},
    CatalogEntry{"resnet44-a", IdentityResNetFactory<7>},
    CatalogEntry{"resnet56-a", IdentityResNetFactory<9>},
    CatalogEntry{"resnet110-a", IdentityResNetFactory<18>},
    CatalogEntry{"wrn-16-1", WideResNetFactory<16, 1>},
    CatalogEntry{"wrn-16-2", WideResNetFactory<16, 2>},
    CatalogEntry{"wrn-40-1", WideResNetFactory<40, 1>},
    CatalogEntry{"wrn-40-2", WideResNetFactory<40, 2>},
    CatalogEntry{"vgg8", CifarVggFactory<1>},
    CatalogEntry{"vgg13", CifarVggFactory<2>},
    CatalogEntry{"cifar-mobilenetv2", MakeCifarMobileNetV2},
    CatalogEntry{"cifar-shufflenetv1", MakeCifarShuffleNetV1},
    CatalogEntry{"cifar-shufflenetv2", MakeCifarShuffleNetV2},
    CatalogEntry{"cifar-resnet50", MakeCifarResNet50},
};

}  // namespace

Result<std::unique_ptr<Model>> CreateModel(std::string_view name, int64_t num_classes) {
  if (num_classes < 1) {
    return Status(Code::kInvalidArgument,
                  "a model needs at least one class, not " + std::to_string(num_classes));
  }
  const auto* entry = std::find_if(kCatalog.begin(), kCatalog.end(),
                                   [&](const CatalogEntry& known) { return known.name == name; });
  if (entry != kCatalog.end()) return entry->factory(num_classes);
  DISTILL_RETURN_IF_ERROR(FindArchitecture(name).status());
  return Status(Code::kInternal, "no factory of the architecture: " + std::string(name));
}

}  // namespace distill::core
