#include "core/base/stop_order.h"

#include <string>

#include "core/base/durable_file.h"

namespace distill {
namespace {

constexpr char kFileName[] = "order";

}  // namespace

std::string_view StopOrderName(StopOrder order) {
  switch (order) {
    case StopOrder::kCancel:
      return "cancel";
    case StopOrder::kPause:
      return "pause";
    case StopOrder::kPreempt:
      return "preempt";
    case StopOrder::kTimeLimit:
      return "time-limit";
  }
  return "cancel";
}

Status WriteStopOrder(const std::filesystem::path& run_directory, StopOrder order) {
  return ReplaceFile(run_directory / kFileName, StopOrderName(order));
}

std::optional<StopOrder> ReadStopOrder(const std::filesystem::path& run_directory) {
  constexpr uint64_t kMaxBytes = 64;
  const auto text = ReadFile(run_directory / kFileName, kMaxBytes);
  if (!text.ok()) return std::nullopt;
  for (const StopOrder order :
       {StopOrder::kCancel, StopOrder::kPause, StopOrder::kPreempt, StopOrder::kTimeLimit}) {
    if (*text == StopOrderName(order)) return order;
  }
  return std::nullopt;
}

}  // namespace distill
