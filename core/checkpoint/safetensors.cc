#include "core/checkpoint/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/base/durable_file.h"
#include "core/format/safetensors_view.h"

namespace distill::core {
namespace {

struct DtypeName {
  const char* name;
  at::ScalarType type;
};
constexpr DtypeName kDtypeNames[] = {
    {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
    {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort}, {"I8", at::kChar},
    {"U8", at::kByte},    {"BOOL", at::kBool},
};

at::ScalarType ScalarTypeOf(std::string_view dtype) {
  return std::find_if(std::begin(kDtypeNames), std::end(kDtypeNames),
                      [&](const DtypeName& known) { return known.name == dtype; })
      ->type;
}

/// Returns safetensors' name of `type`, or an empty text.
std::string NameOf(at::ScalarType type) {
  const auto* known = std::find_if(std::begin(kDtypeNames), std::end(kDtypeNames),
                                   [&](const DtypeName& dtype) { return dtype.type == type; });
  return known == std::end(kDtypeNames) ? "" : known->name;
}

at::Tensor CopyTensor(const StoredTensor& stored) {
  at::Tensor tensor =
      at::empty(stored.shape, at::TensorOptions().dtype(ScalarTypeOf(stored.dtype)));
  if (stored.data.empty()) return tensor;
  std::memcpy(tensor.data_ptr(), stored.data.data(), stored.data.size());
  if (tensor.scalar_type() == at::kBool) {
    // A bool of any other value than 0 and 1 is undefined behaviour.
    auto* values = static_cast<uint8_t*>(tensor.data_ptr());
    std::transform(values, values + stored.data.size(), values,
                   [](uint8_t v) { return uint8_t{v != 0}; });
  }
  return tensor;
}

std::string_view BytesOf(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.data_ptr()), tensor.nbytes()};
}

}  // namespace

Result<TensorFile> ParseSafetensors(std::string_view bytes) {
  DISTILL_ASSIGN_OR_RETURN(SafetensorsView view, ViewSafetensors(bytes));
  TensorFile content;
  content.metadata = std::move(view.metadata);
  content.tensors.reserve(view.tensors.size());
  for (const StoredTensor& stored : view.tensors) {
    content.tensors.push_back({stored.name, CopyTensor(stored), TensorKind::kBuffer});
  }
  return content;
}

Status WriteSafetensors(const std::filesystem::path& path, const TensorFile& content) {
  try {
    SafetensorsView view;
    view.metadata = content.metadata;
    std::vector<at::Tensor> data;  // what `view` refers to
    for (const NamedTensor& named : content.tensors) {
      data.push_back(named.tensor.detach().to(at::kCPU).contiguous());
      view.tensors.push_back({named.name, NameOf(data.back().scalar_type()),
                              data.back().sizes().vec(), BytesOf(data.back())});
    }
    DISTILL_ASSIGN_OR_RETURN(const std::string start, SafetensorsStart(view));
    return ReplaceFileWith(path, [&](int descriptor) {
      DISTILL_RETURN_IF_ERROR(WriteAll(descriptor, start, path));
      for (const at::Tensor& tensor : data) {
        DISTILL_RETURN_IF_ERROR(WriteAll(descriptor, BytesOf(tensor), path));
      }
      return Status::Ok();
    });
  } catch (const c10::Error& error) {
    return Status(Code::kResourceExhausted, std::string("copy tensors for ") + path.string() +
                                                ": " + error.what_without_backtrace());
  }
}

}  // namespace distill::core
