#include "server/job/job.h"

#include <algorithm>
#include <array>

namespace distill::server {
namespace {

struct Move {
  JobState from;
  JobState to;
};

constexpr std::array kMoves = {
    Move{JobState::kQueued, JobState::kStarting},
    Move{JobState::kQueued, JobState::kCancelled},
    Move{JobState::kQueued, JobState::kPaused},
    Move{JobState::kStarting, JobState::kRunning},
    Move{JobState::kStarting, JobState::kCancelling},
    Move{JobState::kStarting, JobState::kPausing},
    Move{JobState::kStarting, JobState::kInterrupted},
    Move{JobState::kStarting, JobState::kFailed},
    Move{JobState::kRunning, JobState::kSucceeded},
    Move{JobState::kRunning, JobState::kFailed},
    Move{JobState::kRunning, JobState::kCancelling},
    Move{JobState::kRunning, JobState::kPausing},
    Move{JobState::kRunning, JobState::kInterrupted},
    Move{JobState::kCancelling, JobState::kCancelled},
    Move{JobState::kCancelling, JobState::kSucceeded},
    Move{JobState::kPausing, JobState::kPaused},
    Move{JobState::kPausing, JobState::kSucceeded},
    Move{JobState::kPausing, JobState::kFailed},
    Move{JobState::kPausing, JobState::kCancelling},
    Move{JobState::kPausing, JobState::kInterrupted},
    Move{JobState::kPaused, JobState::kQueued},
    Move{JobState::kPaused, JobState::kCancelled},
    Move{JobState::kInterrupted, JobState::kQueued},
    Move{JobState::kInterrupted, JobState::kFailed},
    Move{JobState::kInterrupted, JobState::kCancelled},
    Move{JobState::kFailed, JobState::kQueued},
    Move{JobState::kCancelled, JobState::kQueued},
};

}  // namespace

std::string_view StateName(JobState state) {
  switch (state) {
    case JobState::kQueued:
      return "QUEUED";
    case JobState::kStarting:
      return "STARTING";
    case JobState::kRunning:
      return "RUNNING";
    case JobState::kCancelling:
      return "CANCELLING";
    case JobState::kPausing:
      return "PAUSING";
    case JobState::kPaused:
      return "PAUSED";
    case JobState::kInterrupted:
      return "INTERRUPTED";
    case JobState::kSucceeded:
      return "SUCCEEDED";
    case JobState::kFailed:
      return "FAILED";
    case JobState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

std::optional<JobState> ParseStateName(std::string_view name) {
  for (int number = static_cast<int>(JobState::kQueued);
       number <= static_cast<int>(JobState::kCancelled); ++number) {
    const auto state = static_cast<JobState>(number);
    if (StateName(state) == name) return state;
  }
  return std::nullopt;
}

std::string_view CauseName(Cause cause) {
  switch (cause) {
    case Cause::kNone:
      return "";
    case Cause::kUser:
      return "USER";
    case Cause::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Cause::kDiverged:
      return "DIVERGED";
    case Cause::kBadData:
      return "BAD_DATA";
    case Cause::kBadSpec:
      return "BAD_SPEC";
    case Cause::kTimeLimit:
      return "TIME_LIMIT";
    case Cause::kWorkerLost:
      return "WORKER_LOST";
    case Cause::kDeviceError:
      return "DEVICE_ERROR";
    case Cause::kPreempted:
      return "PREEMPTED";
    case Cause::kDependencyFailed:
      return "DEPENDENCY_FAILED";
    case Cause::kStorage:
      return "STORAGE";
    case Cause::kInternal:
      return "INTERNAL";
  }
  return "UNKNOWN";
}

std::string DevicesText(const std::vector<std::string>& devices) {
  std::string text;
  for (const std::string& device : devices) text += (text.empty() ? "" : ",") + device;
  return text;
}

std::vector<std::string> ParseDevices(std::string_view text) {
  std::vector<std::string> devices;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    devices.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return devices;
}

bool IsTerminal(JobState state) {
  return state == JobState::kSucceeded || state == JobState::kFailed ||
         state == JobState::kCancelled;
}

bool HasWorker(JobState state) {
  return state == JobState::kStarting || state == JobState::kRunning ||
         state == JobState::kCancelling || state == JobState::kPausing;
}

bool CanMove(JobState from, JobState to) {
  return std::any_of(kMoves.begin(), kMoves.end(),
                     [&](const Move& move) { return move.from == from && move.to == to; });
}

}  // namespace distill::server
