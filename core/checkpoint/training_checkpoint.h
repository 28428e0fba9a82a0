#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/checkpoint/tensor_file.h"
#include "core/model/named_tensor.h"

namespace distill::core {

/// Everything a training run needs to go on as if it had never stopped. What the groups, keys and
/// values mean is their owner's business; here they are kept bit for bit.
struct TrainingCheckpoint {
  /// Named groups of tensors, e.g. "model", "terms", "optimizer", "average", "rng". The kind of a
  /// tensor (TensorKind) is not kept. A group may be empty. Its name has no slash.
  std::map<std::string, NamedTensors> groups;
  std::map<std::string, int64_t> integers;
  /// Infinities and NaN are kept too.
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> texts;
};

/// Writes `checkpoint` to `path` as one safetensors file with checksums, atomically and durably
/// (core/base/durable_file.h). Tensors may be on any device; they are copied first, so this waits
/// for the device. Blocks on disk.
/// kResourceExhausted: the disk is full; an old file at `path` is unchanged. kInvalidArgument: a
/// name that cannot be kept.
Status WriteTrainingCheckpoint(const std::filesystem::path& path,
                               const TrainingCheckpoint& checkpoint);

/// Reads a file of WriteTrainingCheckpoint and verifies its checksums. Tensors are on the CPU.
/// kNotFound: no such file. kDataLoss: torn or damaged. kInvalidArgument: another kind of file.
/// kFailedPrecondition: written by a newer version of the program.
Result<TrainingCheckpoint> ReadTrainingCheckpoint(const std::filesystem::path& path);

/// Returns what a weights file would hold of a training checkpoint: the averaged network where the
/// run keeps an average, else the network, under its own names. `file`: as its bytes were parsed.
/// Metadata "wrapped_in": the group that it was in. A file that is no training checkpoint is
/// returned as it is.
/// kFailedPrecondition: written by a newer version of the program. kInvalidArgument: it holds no
/// network. kDataLoss: its version cannot be read.
Result<TensorFile> NetworkOf(TensorFile file);

/// Writes the newest state into `directory`, and keeps the one before: last.ckpt and last-1.ckpt.
/// Written beside as next.ckpt first, then both renamed, so that a stop at any moment leaves at
/// least one whole file for ReadNewestCheckpoint. Errors as WriteTrainingCheckpoint; after one, the
/// old files are unchanged.
Status WriteNewestCheckpoint(const std::filesystem::path& directory,
                             const TrainingCheckpoint& checkpoint);

/// A checkpoint, the file it came from, and why newer files were passed over.
struct FoundCheckpoint {
  TrainingCheckpoint checkpoint;
  std::filesystem::path path;
  std::vector<Status> passed_over;
};

/// Reads the first whole file of `paths`, newest first; damaged and missing ones are passed over.
/// kNotFound: none of them exists. kDataLoss: those that exist are all damaged.
/// kFailedPrecondition: a newer version of the program wrote one; older files are not tried, for
/// going back behind it would lose work without a word.
Result<FoundCheckpoint> ReadFirstWhole(const std::vector<std::filesystem::path>& paths);

/// Reads what WriteNewestCheckpoint left in `directory`: ReadFirstWhole of next.ckpt, last.ckpt and
/// last-1.ckpt.
Result<FoundCheckpoint> ReadNewestCheckpoint(const std::filesystem::path& directory);

/// The names of the files in a run's checkpoint directory.
constexpr char kLastCheckpointName[] = "last.ckpt";
constexpr char kPreviousCheckpointName[] = "last-1.ckpt";
constexpr char kNextCheckpointName[] = "next.ckpt";

}  // namespace distill::core
