#include "core/device/random_stream.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <mutex>
#include <utility>

namespace distill::core {
namespace {

at::Generator& OfThisThread() {
  static thread_local at::Generator generator;
  return generator;
}

}  // namespace

at::Generator MakeStreamGenerator(const at::Device& device, uint64_t seed) {
  if (device.is_cpu()) return at::detail::createCPUGenerator(seed);
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
  return generator;
}

RandomStreamScope::RandomStreamScope(at::Generator generator) {
  OfThisThread() = std::move(generator);
}

RandomStreamScope::~RandomStreamScope() { OfThisThread() = at::Generator(); }

const at::Generator& StreamGenerator() { return OfThisThread(); }

}  // namespace distill::core
