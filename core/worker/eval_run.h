#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "core/worker/journal_writer.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Evaluates as `spec.eval()` says, and writes each pass's figures to the journal and as files into
/// the run directory: evaluation-<split>[-tta].json, overall-..., classes-... and
/// confusion-....csv. Codes: core/eval/evaluator.h; kAborted: a file cannot be written.
Status RunEvaluation(const worker::v1::WorkerSpec& spec, const std::filesystem::path& run_directory,
                     JournalWriter& journal);

}  // namespace distill::core
