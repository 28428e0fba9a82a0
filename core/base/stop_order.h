#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "core/base/status.h"

namespace distill {

/// Why a worker is told to leave. The signal (SIGTERM) is the same for all; the reason lies in the
/// file "order" of the run directory, where a worker and a restarted daemon read it.
enum class StopOrder {
  kCancel,
  kPause,
  kPreempt,
  kTimeLimit,
};

/// Returns what the file holds: "cancel", "pause", "preempt" or "time-limit".
std::string_view StopOrderName(StopOrder order);

/// Writes the order for the run in `run_directory`; durable on return. Errors as ReplaceFile.
Status WriteStopOrder(const std::filesystem::path& run_directory, StopOrder order);

/// Returns the order that lies in `run_directory`, or nothing when there is none (or none that this
/// version knows).
std::optional<StopOrder> ReadStopOrder(const std::filesystem::path& run_directory);

}  // namespace distill
