#include "core/checkpoint/pickle_calls.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/plain_text.h"

namespace distill::core {
namespace {

constexpr size_t kMaxPickledDimensions = 16;
constexpr size_t kMaxGlobalBytes = 200;

struct StorageName {
  std::string_view name;
  at::ScalarType dtype;
};
constexpr StorageName kStorages[] = {
    {"torch.DoubleStorage", at::kDouble}, {"torch.FloatStorage", at::kFloat},
    {"torch.HalfStorage", at::kHalf},     {"torch.BFloat16Storage", at::kBFloat16},
    {"torch.LongStorage", at::kLong},     {"torch.IntStorage", at::kInt},
    {"torch.ShortStorage", at::kShort},   {"torch.CharStorage", at::kChar},
    {"torch.ByteStorage", at::kByte},     {"torch.BoolStorage", at::kBool},
};

constexpr std::string_view kDictTypes[] = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
};

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kRebuildParameterWithState =
    "torch._utils._rebuild_parameter_with_state";
constexpr std::string_view kRebuildFromType = "torch._tensor._rebuild_from_type_v2";
constexpr std::string_view kSize = "torch.Size";

/// Values beside the weights that people store in a checkpoint. They are read past, never made.
constexpr std::string_view kOpaque[] = {
    "__builtin__.Ellipsis",
    "__builtin__.bytearray",
    "__builtin__.complex",
    "__builtin__.dict",
    "__builtin__.frozenset",
    "__builtin__.int",
    "__builtin__.list",
    "__builtin__.long",
    "__builtin__.set",
    "__builtin__.slice",
    "__builtin__.xrange",
    "_codecs.encode",
    "argparse.Namespace",
    "builtins.Ellipsis",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.dict",
    "builtins.frozenset",
    "builtins.int",
    "builtins.list",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "collections.deque",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "decimal.Decimal",
    "fractions.Fraction",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.PurePosixPath",
    "pathlib._local.PureWindowsPath",
    "pathlib._local.WindowsPath",
    "torch.Tensor",
    "torch.bfloat16",
    "torch.bool",
    "torch.device",
    "torch.double",
    "torch.float",
    "torch.float16",
    "torch.float32",
    "torch.float64",
    "torch.half",
    "torch.int",
    "torch.int16",
    "torch.int32",
    "torch.int64",
    "torch.int8",
    "torch.long",
    "torch.nn.parameter.Buffer",
    "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout",
    "torch.short",
    "torch.strided",
    "torch.uint8",
    "types.SimpleNamespace",
    "uuid.UUID",
};

template <size_t kCount>
bool Holds(const std::string_view (&names)[kCount], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

const StorageName* FindStorage(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kStorages), std::end(kStorages),
                   [&](const StorageName& storage) { return storage.name == name; });
  return found == std::end(kStorages) ? nullptr : found;
}

/// Returns `name` cut to a length fit for a message, with unprintable bytes replaced.
std::string Printable(std::string_view name) {
  std::string text(name.substr(0, kMaxGlobalBytes));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

bool GetInts(PickleRef value, std::vector<int64_t>& out) {
  const auto* sequence = value->As<PickleSequence>();
  if (sequence == nullptr || sequence->items.size() > kMaxPickledDimensions) return false;
  for (const PickleRef item : sequence->items) {
    const auto* number = item->As<int64_t>();
    if (number == nullptr || *number < 0) return false;
    out.push_back(*number);
  }
  return true;
}

/// Whether every element of `tensor` lies inside its storage.
bool IsInside(const PickleTensor& tensor) {
  int64_t last = tensor.offset;
  for (size_t dim = 0; dim < tensor.sizes.size(); ++dim) {
    if (tensor.sizes[dim] == 0) return true;
    int64_t reach = 0;
    if (__builtin_mul_overflow(tensor.sizes[dim] - 1, tensor.strides[dim], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
  }
  return last < tensor.storage->num_elements;
}

Result<PickleValue> RebuildTensor(const std::vector<PickleRef>& arguments) {
  constexpr size_t kNumNeeded = 4;
  if (arguments.size() < kNumNeeded) return MalformedPickle("a tensor lacks arguments");
  PickleTensor tensor;
  tensor.storage = arguments[0]->As<PickleStorage>();
  const auto* offset = arguments[1]->As<int64_t>();
  if (tensor.storage == nullptr || offset == nullptr || *offset < 0 ||
      !GetInts(arguments[2], tensor.sizes) || !GetInts(arguments[3], tensor.strides) ||
      tensor.sizes.size() != tensor.strides.size()) {
    return MalformedPickle("a tensor has wrong arguments");
  }
  tensor.offset = *offset;
  if (!IsInside(tensor)) return MalformedPickle("a tensor reaches outside its storage");
  PickleValue value;
  value.content = std::move(tensor);
  return value;
}

Result<PickleValue> RebuildFromType(const std::vector<PickleRef>& arguments) {
  // (function, type, arguments of the function, attributes of the object)
  if (arguments.size() < 3) return MalformedPickle("a tensor lacks arguments");
  const auto* function = arguments[0]->As<PickleGlobal>();
  const auto* inner = arguments[2]->As<PickleSequence>();
  if (function == nullptr || inner == nullptr || function->name == kRebuildFromType) {
    return MalformedPickle("a tensor has wrong arguments");
  }
  return CallPickleGlobal(function->name, inner->items);
}

Result<PickleValue> MakeDict(const std::vector<PickleRef>& arguments) {
  PickleDict dict;
  if (!arguments.empty()) {
    if (const auto* other = arguments[0]->As<PickleDict>()) dict = *other;
    if (const auto* pairs = arguments[0]->As<PickleSequence>()) {
      for (const PickleRef pair : pairs->items) {
        const auto* both = pair->As<PickleSequence>();
        if (both == nullptr || both->items.size() != 2)
          return MalformedPickle("a dict has no pairs");
        dict.items.emplace_back(both->items[0], both->items[1]);
      }
    }
  }
  PickleValue value;
  value.content = std::move(dict);
  return value;
}

}  // namespace

Status CheckPickleGlobal(const std::string& name) {
  constexpr std::string_view kCalls[] = {kRebuildTensor,    kRebuildTensorV2,
                                         kRebuildParameter, kRebuildParameterWithState,
                                         kRebuildFromType,  kSize};
  if (FindStorage(name) != nullptr || Holds(kDictTypes, name) || Holds(kCalls, name) ||
      Holds(kOpaque, name)) {
    return Status::Ok();
  }
  constexpr std::string_view kQuantised[] = {"torch._utils._rebuild_qtensor", "torch.QInt8Storage",
                                             "torch.QUInt8Storage", "torch.QInt32Storage"};
  if (Holds(kQuantised, name)) {
    return Status(Code::kInvalidArgument,
                  "the file holds quantised tensors: call dequantize() on them in PyTorch and save "
                  "the state_dict anew; it names " +
                      name);
  }
  if (StartsWith(name, "torch._utils._rebuild_") || StartsWith(name, "torch.storage.") ||
      (StartsWith(name, "torch.") && EndsWith(name, "Storage"))) {
    return Status(
        Code::kInvalidArgument,
        "the file holds tensors of an unsupported kind (sparse, complex or typeless): save "
        "them as dense tensors of a floating or whole type; it names " +
            Printable(name));
  }
  if (StartsWith(name, "torch.nn.") || StartsWith(name, "torchvision.models.") ||
      StartsWith(name, "timm.")) {
    return Status(
        Code::kInvalidArgument,
        "the file is a whole pickled model, which only its own Python code can read: load "
        "it there and save its state_dict with torch.save(model.state_dict(), path); it "
        "names " +
            Printable(name));
  }
  return Status(
      Code::kInvalidArgument,
      "the file names a Python object that weights do not need; nothing of it was run. If "
      "you trust it, load it in Python and save its state_dict with "
      "torch.save(model.state_dict(), path); it names " +
          Printable(name));
}

Result<PickleValue> CallPickleGlobal(const std::string& function,
                                     const std::vector<PickleRef>& arguments) {
  if (function == kRebuildTensor || function == kRebuildTensorV2) return RebuildTensor(arguments);
  if (function == kRebuildFromType) return RebuildFromType(arguments);
  if (function == kRebuildParameter || function == kRebuildParameterWithState) {
    if (arguments.empty() || arguments[0]->As<PickleTensor>() == nullptr) {
      return MalformedPickle("a parameter has no tensor");
    }
    return PickleValue(*arguments[0]);
  }
  if (Holds(kDictTypes, function)) return MakeDict(arguments);
  PickleValue value;
  value.content = PickleOpaque{};
  if (function == kSize) {
    if (arguments.size() != 1 || arguments[0]->As<PickleSequence>() == nullptr) {
      return MalformedPickle("a size has no numbers");
    }
    value.content = *arguments[0]->As<PickleSequence>();
  }
  return value;
}

namespace {

/// Narrows `storage` to a part of it: (key of the view, first element, number of elements).
Status ApplyView(PickleRef view, PickleStorage& storage) {
  if (view->As<PickleNone>() != nullptr) return Status::Ok();
  const auto* items = view->As<PickleSequence>();
  if (items == nullptr || items->items.size() != 3)
    return MalformedPickle("a storage's view is no triple");
  const auto* first = items->items[1]->As<int64_t>();
  const auto* count = items->items[2]->As<int64_t>();
  if (first == nullptr || count == nullptr || *first < 0 || *count < 0 ||
      *first > storage.num_elements || *count > storage.num_elements - *first) {
    return MalformedPickle("a storage's view reaches outside it");
  }
  storage.first_element = *first;
  storage.num_elements = *count;
  return Status::Ok();
}

}  // namespace

Result<PickleStorage> ReadPickleStorage(PickleRef persistent_id) {
  const auto* id = persistent_id->As<PickleSequence>();
  const auto* kind = id == nullptr || id->items.empty() ? nullptr : id->items[0]->As<std::string>();
  if (kind != nullptr && *kind == "module") {
    return Status(
        Code::kInvalidArgument,
        "the file is a whole pickled model, which only its own Python code can read: load "
        "it there and save its state_dict with torch.save(model.state_dict(), path)");
  }
  constexpr size_t kNumItems = 5;
  if (kind == nullptr || *kind != "storage" || id->items.size() < kNumItems) {
    return MalformedPickle("a persistent id is no storage");
  }
  const auto* type = id->items[1]->As<PickleGlobal>();
  const auto* key = id->items[2]->As<std::string>();
  const auto* count = id->items[4]->As<int64_t>();
  const StorageName* known = type == nullptr ? nullptr : FindStorage(type->name);
  if (known == nullptr || key == nullptr || key->size() > kMaxGlobalBytes || count == nullptr ||
      *count < 0) {
    return MalformedPickle("a storage has wrong arguments");
  }
  PickleStorage storage{*key, known->dtype, *count, 0};
  if (id->items.size() > kNumItems) {
    DISTILL_RETURN_IF_ERROR(ApplyView(id->items[kNumItems], storage));
  }
  return storage;
}

}  // namespace distill::core
