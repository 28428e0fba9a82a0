#pragma once

#include <exception>
#include <functional>
#include <new>

#include "core/base/status.h"

namespace distill::core {

/// Returns what an exception that LibTorch threw means: kResourceExhausted for out of (device)
/// memory, kUnavailable for a failed device, kInvalidArgument for a value that cannot be worked
/// with (c10::ValueError), kInternal for anything else.
Status StatusOfTorchError(const std::exception& error);

/// Runs `body`, an entry point's inside, and turns what escapes it into a status.
template <typename Outcome>
Outcome CatchTorchErrors(const std::function<Outcome()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return StatusOfTorchError(error);
  }
}

}  // namespace distill::core
