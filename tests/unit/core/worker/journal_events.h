#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/journal.h"
#include "distill/worker/v1/worker.pb.h"
#include "tests/matchers/status_matchers.h"

namespace distill::testing {

/// Returns the events of the journal in `folder`, as the daemon reads them.
inline std::vector<worker::v1::RunEvent> EventsIn(const std::filesystem::path& folder) {
  constexpr int64_t kMostBytes = int64_t{64} << 20U;
  const auto chunk = ReadJournal(folder / "journal", 0, kMostBytes);
  EXPECT_OK(chunk);
  std::vector<worker::v1::RunEvent> events;
  for (const std::string& payload : chunk->payloads) {
    EXPECT_TRUE(events.emplace_back().ParseFromString(payload));
  }
  return events;
}

}  // namespace distill::testing
