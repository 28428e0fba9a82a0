#include "core/eval/failure.h"

#include <c10/util/Exception.h>

#include <string>

#include "core/base/log.h"

namespace distill::core {
namespace {

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

Code CodeOf(const std::exception& error, const std::string& message) {
  const bool is_out_of_memory = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                                dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                                Contains(message, "out of memory") ||
                                Contains(message, "can't allocate memory");
  if (is_out_of_memory) return Code::kResourceExhausted;
  if (dynamic_cast<const c10::ValueError*>(&error) != nullptr) return Code::kInvalidArgument;
  if (Contains(message, "CUDA error") || Contains(message, "CUDNN_STATUS")) {
    return Code::kUnavailable;
  }
  return Code::kInternal;
}

}  // namespace

Status StatusOfTorchError(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string message =
      torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  LogError("exception in the core", {{"what", error.what()}});
  return {CodeOf(error, message), message};
}

}  // namespace distill::core
