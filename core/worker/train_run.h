#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "core/train/train_options.h"
#include "core/worker/journal_writer.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Returns what to tell of channels that hold next to one value in all of the data set, by which
/// `normalization`, made of `input`, therefore does not divide; "" where there are none.
std::string NoticeOfConstantChannels(const v1::Input& input,
                                     const InputNormalization& normalization);

/// Returns what the core is to do for the training task of `spec`. kInvalidArgument: a value that
/// this worker does not know (a spec from a newer daemon).
Result<TrainOptions> ToTrainOptions(const worker::v1::WorkerSpec& spec,
                                    const std::filesystem::path& run_directory);

/// Trains as `spec.train()` says. Codes: core/train/trainer.h.
Status RunTraining(const worker::v1::WorkerSpec& spec, const std::filesystem::path& run_directory,
                   JournalWriter& journal);

}  // namespace distill::core
