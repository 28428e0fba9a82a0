// distill_worker RUN_DIRECTORY: does what <run directory>/spec.json asks, and tells about it in
// <run directory>/journal. The daemon starts one per attempt.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <iostream>
#include <string>

#include "core/base/clock.h"
#include "core/base/exit_code.h"
#include "core/base/log.h"
#include "core/base/plain_text.h"
#include "core/base/stop_order.h"
#include "core/base/version.h"
#include "core/device/device.h"
#include "core/device/host_tuning.h"
#include "core/device/warning_scope.h"
#include "core/eval/failure.h"
#include "core/worker/journal_writer.h"
#include "core/worker/outcome.h"
#include "core/worker/run_lock.h"
#include "core/worker/stop_order.h"
#include "core/worker/task_run.h"

namespace {

using distill::Result;
using distill::Status;
using distill::WorkerExit;
using distill::core::NoticeLevel;
using distill::worker::v1::WorkerSpec;

Result<WorkerSpec> ReadSpec(const std::filesystem::path& path) {
  DISTILL_ASSIGN_OR_RETURN(const std::string text, distill::ReadFile(path));
  WorkerSpec spec;
  const auto parsed = google::protobuf::util::JsonStringToMessage(text, &spec);
  if (!parsed.ok()) {
    return Status(distill::Code::kInvalidArgument,
                  "cannot read " + path.string() + ": " + std::string(parsed.message()));
  }
  return spec;
}

void WarnOfSlowBlas(const WorkerSpec& spec, distill::core::JournalWriter& journal) {
  if (spec.device() != "cpu" || spec.has_scan()) return;
  const std::string warning =
      distill::core::SlowBlasWarning(distill::core::MeasureMatrixProductGflops());
  if (!warning.empty()) journal.OnNotice(NoticeLevel::kWarning, warning);
}

// A job that was admitted to a share of a GPU must not run without its limit: its neighbours would
// pay for it.
Status LimitMemory(const WorkerSpec& spec, distill::core::JournalWriter& journal) {
  if (spec.gpu_memory_bytes() == 0) return {};
  if (spec.device() == "cpu") {
    journal.OnNotice(NoticeLevel::kWarning, "the declared GPU memory has no meaning on the CPU");
    return {};
  }
  try {
    DISTILL_ASSIGN_OR_RETURN(const at::Device device, distill::core::ParseDevice(spec.device()));
    return distill::core::LimitMemory(device, spec.gpu_memory_bytes());
  } catch (const std::exception& error) {
    return distill::core::StatusOfTorchError(error);
  }
}

// Devices of the CPU share its threads; beside GPUs each has what it wants of them.
int ThreadsOfOneDevice(const WorkerSpec& spec) {
  const int num_devices = spec.device() == "cpu" ? 1 + spec.other_devices_size() : 1;
  return std::max(1, spec.num_threads() / num_devices);
}

WorkerExit RunIn(const std::filesystem::path& directory) {
  const auto lock = distill::core::LockRunDirectory(directory);
  const auto spec = lock.ok() ? ReadSpec(directory / "spec.json") : lock.status();
  if (!spec.ok()) {
    distill::LogError("cannot start", {{"error", spec.status().ToString()}});
    return WorkerExit::kBadSpec;
  }
  auto journal = distill::core::JournalWriter::Open(
      {directory, spec->attempt(), distill::core::StopWasOrdered}, distill::SystemClock());
  if (!journal.ok()) {
    distill::LogError("cannot open the journal", {{"error", journal.status().ToString()}});
    return WorkerExit::kStorage;
  }
  const distill::core::WarningScope warnings(
      [&journal](const std::string& text) { journal->OnNotice(NoticeLevel::kWarning, text); });
  distill::core::SetNumThreads(ThreadsOfOneDevice(*spec));
  distill::core::SetDeterministic(true, distill::StartsWith(spec->device(), "cuda"));
  WarnOfSlowBlas(*spec, *journal);
  Status status = LimitMemory(*spec, *journal);
  if (status.ok()) status = distill::core::RunTask(*spec, directory, *journal);
  const auto outcome = distill::core::OutcomeOf(status, distill::ReadStopOrder(directory));
  distill::LogInfo("run ended", {{"status", status.ToString()}});
  if (!journal->WriteOutcome(outcome).ok()) return WorkerExit::kStorage;
  return distill::core::ExitCodeOf(outcome);
}

}  // namespace

int main(int argc, char** argv) {
  distill::core::CatchStopSignals();
  distill::core::KeepFreedMemory();
  const std::string argument = argc == 2 ? argv[1] : "";
  if (argument == "--version") {
    std::cout << "distill_worker " << distill::kVersion << " (LibTorch "
              << distill::core::LibTorchVersion() << ")\n";
    return 0;
  }
  if (argument.empty() || argument[0] == '-') {
    const bool is_help = argument == "--help" || argument == "-h";
    (is_help ? std::cout : std::cerr)
        << "usage: distill_worker RUN_DIRECTORY\n"
           "Runs RUN_DIRECTORY/spec.json; distilld starts it, not people.\n";
    return is_help ? 0 : static_cast<int>(WorkerExit::kUsage);
  }
  if (!distill::StartLog({}).ok()) return static_cast<int>(WorkerExit::kStorage);
  return static_cast<int>(RunIn(argument));
}
