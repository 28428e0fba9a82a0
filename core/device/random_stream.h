#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace distill::core {

/// Makes the generator that a further copy of a network draws from: on the CPU one of its own, so
/// that threads do not take each other's numbers; on a GPU the default one, seeded anew.
/// May throw c10::Error (no such GPU).
at::Generator MakeStreamGenerator(const at::Device& device, uint64_t seed);

/// Makes random layers of the calling thread draw from `generator` while it lives, instead of the
/// default generator of their device. Owned by one thread; scopes do not nest.
class RandomStreamScope {
 public:
  /// `generator`: of the device of the tensors that are drawn for; undefined = no change.
  explicit RandomStreamScope(at::Generator generator);
  ~RandomStreamScope();
  RandomStreamScope(const RandomStreamScope&) = delete;
  RandomStreamScope& operator=(const RandomStreamScope&) = delete;
};

/// Returns the generator of the calling thread's RandomStreamScope; undefined where there is none,
/// which tensor operations take for the default one.
const at::Generator& StreamGenerator();

}  // namespace distill::core
