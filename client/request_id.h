#pragma once

#include <string>

namespace distill::client {

/// Returns a new random UUID (RFC 4122, version 4).
std::string MakeRequestId();

}  // namespace distill::client
