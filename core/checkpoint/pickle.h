#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/status.h"

namespace distill::core {

struct PickleValue;
/// Refers to a value owned by a PickleArena. Values may contain themselves: never walk them
/// without a depth limit.
using PickleRef = const PickleValue*;

struct PickleNone {};
/// A value that is read past and means nothing to us (a random seed, a training option, a hook).
struct PickleOpaque {};
struct PickleSequence {
  std::vector<PickleRef> items;
};
struct PickleDict {
  std::vector<std::pair<PickleRef, PickleRef>> items;
};
/// A Python object named by the file, e.g. "torch.FloatStorage".
struct PickleGlobal {
  std::string name;
};
/// A run of numbers kept outside the pickle, under a key.
struct PickleStorage {
  std::string key;
  at::ScalarType dtype = at::kFloat;
  int64_t num_elements = 0;
  /// For a storage that is a view of another: where it starts in the one of that key, in elements.
  int64_t first_element = 0;
};
/// A view of a storage. All numbers are in elements, and lie inside the storage.
struct PickleTensor {
  const PickleStorage* storage = nullptr;
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

struct PickleValue {
  std::variant<PickleNone, PickleOpaque, bool, int64_t, double, std::string, PickleSequence,
               PickleDict, PickleGlobal, PickleStorage, PickleTensor>
      content;

  template <typename Kind>
  const Kind* As() const {
    return std::get_if<Kind>(&content);
  }
};

/// Owns the values of a pickle. References stay valid for its life.
using PickleArena = std::deque<PickleValue>;

/// kInvalidArgument, saying `what` is wrong with a pickle.
Status MalformedPickle(const std::string& what);

/// Reads one pickle (protocol 2 to 4, what torch.save writes) from the front of `bytes` into
/// `arena`. Runs nothing: it knows containers, plain values, and the few functions of PyTorch that
/// rebuild tensors; any other Python object the pickle names is an error that names it. Time and
/// memory are bounded by a multiple of the pickle's length. On success `consumed` is that length.
/// kInvalidArgument: not such a pickle. kDataLoss: cut short.
Result<PickleRef> ReadPickle(std::string_view bytes, PickleArena& arena, size_t& consumed);

}  // namespace distill::core
