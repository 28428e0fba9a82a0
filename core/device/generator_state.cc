#include "core/device/generator_state.h"

#include <ATen/Context.h>
#include <ATen/core/Generator.h>

#include <mutex>
#include <string>

namespace distill::core {

at::Tensor GeneratorState(const at::Device& device) {
  return GeneratorState(at::globalContext().defaultGenerator(device));
}

at::Tensor GeneratorState(at::Generator generator) {
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

Status SetGeneratorState(const at::Device& device, const at::Tensor& state) {
  return SetGeneratorState(at::globalContext().defaultGenerator(device), state);
}

Status SetGeneratorState(at::Generator generator, const at::Tensor& state) {
  try {
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(state);
    return Status::Ok();
  } catch (const c10::Error& error) {
    return Status(Code::kDataLoss, std::string("not the state of a random generator: ") +
                                       error.what_without_backtrace());
  }
}

}  // namespace distill::core
