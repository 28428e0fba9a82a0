#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "core/worker/journal_writer.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Does the task of `spec` in `run_directory`: trains, evaluates or scans. Blocks until it is done
/// or ordered to stop. Codes as documented in core/train/trainer.h; kInvalidArgument also for a
/// spec without a task.
Status RunTask(const worker::v1::WorkerSpec& spec, const std::filesystem::path& run_directory,
               JournalWriter& journal);

}  // namespace distill::core
