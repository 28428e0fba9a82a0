#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill::client {

/// Returns a length of time with its two largest units: "45s", "3m20s", "2h5m", "4d3h".
std::string DurationText(std::chrono::seconds duration);

/// Returns how long ago `at_unix_ms` was, as DurationText; "-" for 0.
std::string AgeText(int64_t at_unix_ms, int64_t now_unix_ms);

/// Returns e.g. "13.4 MiB".
std::string BytesText(int64_t bytes);

/// Returns e.g. "61 C"; "-" for a negative number, which stands for what is not known.
std::string KnownText(int32_t value, const std::string& unit);

/// Reads "12GiB", "512 MiB", "1.5GB" (a power of ten) or plain bytes. kInvalidArgument: anything
/// else, or a negative number.
Result<int64_t> ParseBytes(std::string_view text);

/// Returns `value` with `digits` digits after the point.
std::string FixedText(double value, int digits);

/// Returns `value` with up to six significant digits.
std::string NumberText(double value);

/// Returns `value` with as few digits as give the same double again.
std::string ExactText(double value);

/// Returns a point in time as RFC 3339 in UTC with whole seconds; "-" for 0.
std::string TimeText(int64_t unix_ms);

/// Reads "90", "90s", "15m", "2h", "1d" or a sum of them ("1h30m"); a plain number is in seconds.
/// kInvalidArgument: anything else, or a negative number.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

}  // namespace distill::client
