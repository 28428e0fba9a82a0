#pragma once

namespace distill {

/// How distill_worker ends. The journal's outcome is what counts; the exit code is what is left
/// when the journal could not be written.
enum class WorkerExit : int {
  kDone = 0,
  kUsage = 2,
  kStopped = 10,  ///< asked to stop (SIGTERM); a checkpoint was written
  kBadSpec = 11,
  kBadData = 12,
  kDeviceError = 13,
  kOutOfMemory = 14,
  kDiverged = 15,
  kTimeLimit = 16,
  kStorage = 17,  ///< the run directory could not be written
  kInternal = 18,
};

}  // namespace distill
