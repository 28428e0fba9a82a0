#pragma once

#include <cstdint>
#include <string>

#include "core/base/durable_file.h"

namespace distill::testing {

/// How many ways there are to begin a TLS handshake and not to end it.
constexpr uint64_t kNumHalves = 4;

/// Connects to `address` (host:port, here on loopback) and begins a handshake in the way `half`,
/// below kNumHalves: nothing is said, half of a ClientHello, a whole one (the server's answer is
/// not read), or plain HTTP/2. Returns the connection; a closed one when it could not be had.
FileDescriptor BeginHandshake(const std::string& address, uint64_t half);

}  // namespace distill::testing
