#include "core/checkpoint/tensor_file.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/checkpoint/foreign_file.h"
#include "core/checkpoint/pytorch_file.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/training_checkpoint.h"
#include "core/format/safetensors_view.h"

namespace distill::core {
namespace {

/// A weights file is held in memory whole while it is read.
constexpr uint64_t kMaxWeightsBytes = uint64_t{16} << 30U;

Result<TensorFile> ParseByContent(std::string_view bytes) {
  if (bytes.empty()) return Status(Code::kDataLoss, "the file is empty");
  if (bytes.substr(0, 4) == "PK\x03\x04") return ParsePyTorchZip(bytes);
  if (LooksLikeLegacyPyTorch(bytes)) return ParsePyTorchLegacy(bytes);
  if (LooksLikeSafetensors(bytes)) {
    DISTILL_ASSIGN_OR_RETURN(TensorFile file, ParseSafetensors(bytes));
    return NetworkOf(std::move(file));
  }
  DISTILL_RETURN_IF_ERROR(ExplainForeignFile(bytes));
  return Status(Code::kInvalidArgument,
                "not a weights file: neither safetensors nor a file of torch.save");
}

}  // namespace

Result<TensorFile> ParseTensorFile(std::string_view bytes) {
  try {
    return ParseByContent(bytes);
  } catch (const c10::Error& error) {
    return Status(Code::kResourceExhausted,
                  std::string("make tensors: ") + error.what_without_backtrace());
  }
}

Result<TensorFile> ReadTensorFile(const std::filesystem::path& path, const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(const std::string bytes, ReadFileInside(path, roots, kMaxWeightsBytes));
  Result<TensorFile> content = ParseTensorFile(bytes);
  if (!content.ok()) return content.status().WithContext(path.string());
  return content;
}

Status CheckTorchScriptFile(const std::filesystem::path& path, const Roots& roots) {
  DISTILL_ASSIGN_OR_RETURN(const std::string bytes, ReadFileInside(path, roots, kMaxWeightsBytes));
  if (bytes.empty()) return {Code::kDataLoss, path.string() + ": the file is empty"};
  return CheckTorchScript(bytes).WithContext(path.string());
}

}  // namespace distill::core
