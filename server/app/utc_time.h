#pragma once

#include <cstdint>
#include <string>

namespace distill::server {

/// Returns a time as RFC 3339 in UTC, to the second: "2026-11-26T14:26:25Z".
std::string UtcTime(int64_t unix_ms);

}  // namespace distill::server
