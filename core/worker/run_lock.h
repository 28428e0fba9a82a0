#pragma once

#include <filesystem>

#include "core/base/durable_file.h"
#include "core/base/status.h"

namespace distill::core {

/// Marks a run directory as in use by this process: an flock on <run directory>/worker.lock, held
/// until the process ends, with the process id as its content. The daemon finds a worker by it
/// whose start it did not live to record. kFailedPrecondition: another worker holds it.
Result<FileDescriptor> LockRunDirectory(const std::filesystem::path& run_directory);

}  // namespace distill::core
