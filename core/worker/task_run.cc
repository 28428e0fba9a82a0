#include "core/worker/task_run.h"

#include <algorithm>

#include "core/worker/eval_run.h"
#include "core/worker/scan_run.h"
#include "core/worker/train_run.h"

namespace distill::core {

Status RunTask(const worker::v1::WorkerSpec& spec, const std::filesystem::path& run_directory,
               JournalWriter& journal) {
  switch (spec.task_case()) {
    case worker::v1::WorkerSpec::kTrain:
      return RunTraining(spec, run_directory, journal);
    case worker::v1::WorkerSpec::kEval:
      return RunEvaluation(spec, run_directory, journal);
    case worker::v1::WorkerSpec::kScan:
      return RunScan(spec.scan(), std::max(1, spec.num_threads()), journal);
    case worker::v1::WorkerSpec::TASK_NOT_SET:
      break;
  }
  return {Code::kInvalidArgument, "the worker's spec has no task"};
}

}  // namespace distill::core
