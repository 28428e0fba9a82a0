#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/base/status.h"
#include "core/worker/journal_writer.h"
#include "distill/v1/lineage.pb.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Returns what the run of `spec`, a training or an evaluation, is made from: the SHA-256 of each
/// file that it reads, its data set, input and programs. Reads those files whole: about a second
/// for a gigabyte. A file that cannot be read has no hash here; the run itself says what is wrong.
v1::Lineage LineageOf(const worker::v1::WorkerSpec& spec);

/// Returns `lineage` as the texts that a model file's metadata hold. Lists are JSON arrays.
std::map<std::string, std::string> MetadataOf(const v1::Lineage& lineage);

/// Writes "lineage.json" into the run directory, durable on return, and tells `journal` of it.
/// kAborted: the file cannot be written.
Status WriteLineage(const v1::Lineage& lineage, const std::filesystem::path& run_directory,
                    JournalWriter& journal);

}  // namespace distill::core
