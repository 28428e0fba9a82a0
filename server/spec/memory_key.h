#pragma once

#include <string>

#include "distill/v1/job.pb.h"

namespace distill::server {

/// Returns the same text for resolved jobs that need as much GPU memory: what shapes the tensors
/// counts (models, image and batch size, precision, distillation), what only fills them (seed, data
/// set, learning rate, length) does not. Pure.
std::string MemoryKey(const v1::Job& resolved);

}  // namespace distill::server
