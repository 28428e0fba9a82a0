#include <algorithm>
#include <array>

#include "core/base/architecture.h"
#include "core/model/efficientnet_v2.h"
#include "core/model/ghostnet.h"
#include "core/model/mobilenet_v2.h"
#include "core/model/model.h"
#include "core/model/resnet.h"

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
