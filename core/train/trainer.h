#pragma once

#include "core/base/status.h"
#include "core/eval/run_listener.h"
#include "core/train/train_options.h"

namespace distill::core {

/// How a training run ended.
struct TrainReport {
  int64_t epochs_done = 0;
  int64_t best_epoch = 0;      // from 1
  Metrics best_metrics;        // of that epoch
  bool stopped_early = false;  // patience was exhausted
};

/// Trains a network on the train split, validates it on the val split after each epoch, and writes
/// into the run directory:
///   last.ckpt, last-1.ckpt    all that an exact resume needs, after each epoch and when stopped
///   best.safetensors          the student alone, from the best epoch (the average, with EMA)
///   last.safetensors          the student alone, at the end
/// Resumes from the first whole file of `resume_from`: on the CPU the same bits as without a stop.
/// Blocks for as long as it takes. `listener` must outlive the call.
///
/// kCancelled: `listener` asked to stop; a checkpoint has been written.
/// kDeadlineExceeded: the time limit has passed; a checkpoint has been written.
/// kInvalidArgument, kNotFound, kFailedPrecondition: the options do not fit the data, the weights
/// or each other, or a checkpoint is of a run that began with other data or weights; nothing was
/// trained. kDataLoss: an image cannot be decoded. kOutOfRange: a loss
/// is not finite; the message names the term and the step. kResourceExhausted: out of (device)
/// memory. kUnavailable: the device failed. kPermissionDenied: a file may not be read. kAborted:
/// the run directory cannot be written, the storage fails to read a file, or one of `inputs`
/// changed while it was read. kInternal: anything else.
Result<TrainReport> Train(const TrainOptions& options, RunListener& listener);

}  // namespace distill::core
