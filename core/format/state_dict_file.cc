#include "core/format/state_dict_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/base/durable_file.h"
#include "core/format/byte_writer.h"
#include "core/format/zip_writer.h"

namespace distill::core {
namespace {

constexpr char kRoot[] = "archive/";

struct StorageName {
  std::string_view dtype;
  const char* storage;
};
constexpr StorageName kStorageNames[] = {{"F64", "DoubleStorage"}, {"F32", "FloatStorage"},
                                         {"F16", "HalfStorage"},   {"BF16", "BFloat16Storage"},
                                         {"I64", "LongStorage"},   {"I32", "IntStorage"},
                                         {"I16", "ShortStorage"},  {"I8", "CharStorage"},
                                         {"U8", "ByteStorage"},    {"BOOL", "BoolStorage"}};

/// Writes the few opcodes of Python's pickle (protocol 2) that a state_dict needs.
class PickleWriter {
 public:
  PickleWriter() { out_.PutText("\x80\x02"); }

  void Global(std::string_view module, std::string_view name) {
    out_.PutText("c");
    out_.PutText(module);
    out_.PutText("\n");
    out_.PutText(name);
    out_.PutText("\n");
  }

  void Text(std::string_view text) {
    out_.PutText("X");  // BINUNICODE
    out_.Put(static_cast<uint32_t>(text.size()));
    out_.PutText(text);
  }

  void Integer(int64_t number) {
    if (number >= 0 && number <= INT32_MAX) {
      out_.PutText("J");  // BININT
      out_.Put(static_cast<int32_t>(number));
      return;
    }
    out_.PutText("\x8a\x08");  // LONG1 of eight bytes
    out_.Put(number);
  }

  void Integers(const std::vector<int64_t>& numbers) {
    Open();
    for (const int64_t number : numbers) Integer(number);
    CloseTuple();
  }

  void False() { out_.PutText("\x89"); }
  void Open() { out_.PutText("("); }
  void CloseTuple() { out_.PutText("t"); }
  void PersistentId() { out_.PutText("Q"); }
  void Call() { out_.PutText("R"); }
  void SetItems() { out_.PutText("u"); }

  /// An empty collections.OrderedDict.
  void EmptyOrderedDict() {
    Global("collections", "OrderedDict");
    Open();
    CloseTuple();
    Call();
  }

  std::string Finish() {
    out_.PutText(".");
    return out_.Take();
  }

 private:
  ByteWriter out_;
};

const char* StorageOf(std::string_view dtype) {
  const auto* known = std::find_if(std::begin(kStorageNames), std::end(kStorageNames),
                                   [&](const StorageName& name) { return name.dtype == dtype; });
  return known == std::end(kStorageNames) ? nullptr : known->storage;
}

std::vector<int64_t> ContiguousStrides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

/// Writes torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()).
void PickleTensorOf(const StoredTensor& tensor, const std::string& key, PickleWriter& pickle) {
  pickle.Global("torch._utils", "_rebuild_tensor_v2");
  pickle.Open();
  pickle.Open();
  pickle.Text("storage");
  pickle.Global("torch", StorageOf(tensor.dtype));
  pickle.Text(key);
  pickle.Text("cpu");
  pickle.Integer(static_cast<int64_t>(tensor.data.size()) / ElementBytes(tensor.dtype));
  pickle.CloseTuple();
  pickle.PersistentId();
  pickle.Integer(0);
  pickle.Integers(tensor.shape);
  pickle.Integers(ContiguousStrides(tensor.shape));
  pickle.False();  // requires_grad
  pickle.EmptyOrderedDict();
  pickle.CloseTuple();
  pickle.Call();
}

std::string PickleOf(const SafetensorsView& weights) {
  PickleWriter pickle;
  pickle.EmptyOrderedDict();
  pickle.Open();
  for (size_t i = 0; i < weights.tensors.size(); ++i) {
    pickle.Text(weights.tensors[i].name);
    PickleTensorOf(weights.tensors[i], std::to_string(i), pickle);
  }
  pickle.SetItems();
  return pickle.Finish();
}

Status WriteRecords(const SafetensorsView& weights, ZipWriter& archive) {
  const std::string root = kRoot;
  DISTILL_RETURN_IF_ERROR(archive.Add(root + "data.pkl", PickleOf(weights)));
  DISTILL_RETURN_IF_ERROR(archive.Add(root + "byteorder", "little"));
  const std::string lineage = nlohmann::json(weights.metadata)
                                  .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  DISTILL_RETURN_IF_ERROR(archive.Add(root + "lineage.json", lineage));
  for (size_t i = 0; i < weights.tensors.size(); ++i) {
    DISTILL_RETURN_IF_ERROR(
        archive.Add(root + "data/" + std::to_string(i), weights.tensors[i].data));
  }
  DISTILL_RETURN_IF_ERROR(archive.Add(root + "version", "3\n"));
  return archive.Finish();
}

}  // namespace

Status WriteStateDictFile(const std::filesystem::path& path, const SafetensorsView& weights) {
  for (const StoredTensor& tensor : weights.tensors) {
    if (StorageOf(tensor.dtype) == nullptr) {
      return Status(Code::kInvalidArgument,
                    "PyTorch has no dtype " + tensor.dtype + ", of tensor " + tensor.name);
    }
  }
  const auto write = [&](int descriptor) {
    ZipWriter archive(descriptor, path);
    return WriteRecords(weights, archive);
  };
  return ReplaceFileWith(path, write, FileAccess::kUmask);
}

}  // namespace distill::core
