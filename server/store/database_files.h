#pragma once

namespace distill::server {

// The databases of a state folder, and what names their kind in the file's header ("DSTC", "DSTM").
inline constexpr char kControlFile[] = "control.db";
inline constexpr char kMetricsFile[] = "metrics.db";
inline constexpr int kControlApplicationId = 0x44535443;
inline constexpr int kMetricsApplicationId = 0x4453544D;

// How long a second reader waits for its turn.
inline constexpr int kReaderBusyTimeoutMs = 30'000;

}  // namespace distill::server
