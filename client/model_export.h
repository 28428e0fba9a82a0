#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill::client {

/// The forms in which a model is handed out.
enum class ModelFormat {
  kSafetensors,  ///< as the worker wrote it
  kStateDict,    ///< a state_dict as torch.save writes it
  kOnnx,
};

/// Returns the form called safetensors, pth (or pt), or onnx; nullopt for another name.
std::optional<ModelFormat> FormatNamed(std::string_view name);

/// Returns the form whose name `file` has as its extension, if any.
std::optional<ModelFormat> FormatOfExtension(const std::filesystem::path& file);

/// Returns the extension that files of `format` have, with its dot.
std::string ExtensionOf(ModelFormat format);

/// Name of the artifact that describes a job's network for ONNX, without its weights.
inline constexpr char kOnnxGraphArtifact[] = "graph.onnx";

/// Writes the weights in `safetensors` (the content of such a file) to `file` in another form:
/// kStateDict, or kOnnx with `onnx_graph`, the content of kOnnxGraphArtifact. Atomic, durable on
/// return. Blocks on disk.
/// kInvalidArgument: `safetensors` is no such file, or the graph is not of these weights.
/// kDataLoss: one of the two is damaged. Errors of ReplaceFile() (core/base/durable_file.h)
/// besides.
Status WriteModelAs(ModelFormat format, std::string_view safetensors, std::string_view onnx_graph,
                    const std::filesystem::path& file);

}  // namespace distill::client
