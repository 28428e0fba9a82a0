#include "client/model_export.h"

#include "core/base/durable_file.h"
#include "core/format/onnx_graph.h"
#include "core/format/safetensors_view.h"
#include "core/format/state_dict_file.h"

namespace distill::client {

std::optional<ModelFormat> FormatNamed(std::string_view name) {
  if (name == "safetensors") return ModelFormat::kSafetensors;
  if (name == "pth" || name == "pt") return ModelFormat::kStateDict;
  if (name == "onnx") return ModelFormat::kOnnx;
  return std::nullopt;
}

std::optional<ModelFormat> FormatOfExtension(const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  return extension.empty() ? std::nullopt : FormatNamed(extension.substr(1));
}

std::string ExtensionOf(ModelFormat format) {
  switch (format) {
    case ModelFormat::kStateDict:
      return ".pth";
    case ModelFormat::kOnnx:
      return ".onnx";
    case ModelFormat::kSafetensors:
      break;
  }
  return ".safetensors";
}

Status WriteModelAs(ModelFormat format, std::string_view safetensors, std::string_view onnx_graph,
                    const std::filesystem::path& file) {
  if (format == ModelFormat::kSafetensors) {
    return ReplaceFile(file, safetensors, FileAccess::kUmask);
  }
  DISTILL_ASSIGN_OR_RETURN(const core::SafetensorsView weights, core::ViewSafetensors(safetensors));
  if (format == ModelFormat::kStateDict) return core::WriteStateDictFile(file, weights);
  DISTILL_ASSIGN_OR_RETURN(const std::string model, core::CompleteOnnx(onnx_graph, weights));
  return ReplaceFile(file, model, FileAccess::kUmask);
}

}  // namespace distill::client
