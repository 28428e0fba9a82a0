#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/hashed_file.h"
#include "core/base/status.h"
#include "core/worker/journal_writer.h"
#include "distill/v1/lineage.pb.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// What a run is made from, and the files that it must go on to read as they were hashed.
struct RunLineage {
  v1::Lineage facts;
  /// Weights by their bytes, and the manifest by ManifestSha256(); see CheckUnchanged(). Their
  /// roles are "initial weights", "teacher" (of several "teacher 1", ...), "weights" (to evaluate)
  /// and "data set".
  std::vector<HashedFile> files;
};

/// Returns what the run of `spec`, a training or an evaluation, is made from: the SHA-256 of each
/// file that it reads, its data set, input and programs. Reads those files whole: about a second
/// for a gigabyte. A file that cannot be read has no hash here; the run itself says what is wrong.
RunLineage LineageOf(const worker::v1::WorkerSpec& spec);

/// Returns `lineage` as the texts that a model file's metadata hold. Lists are JSON arrays.
std::map<std::string, std::string> MetadataOf(const v1::Lineage& lineage);

/// Writes "lineage.json" into the run directory, durable on return, and tells `journal` of it.
/// kAborted: the file cannot be written.
Status WriteLineage(const v1::Lineage& lineage, const std::filesystem::path& run_directory,
                    JournalWriter& journal);

}  // namespace distill::core
