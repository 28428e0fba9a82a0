#pragma once

#include "core/base/status.h"
#include "core/worker/journal_writer.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Scans a data set, writes its manifest, and reports through `journal`. Blocks. kCancelled: asked
/// to stop. kInvalidArgument: the folder cannot serve as a data set, or not one image is good; the
/// message says why. kAborted: the manifest cannot be written.
Status RunScan(const worker::v1::ScanTask& task, int num_threads, JournalWriter& journal);

}  // namespace distill::core
