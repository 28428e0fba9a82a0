#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace distill::server {

/// Returns a new token: "dst_" and 256 random bits from the kernel, in hexadecimal. kInternal: the
/// kernel has no random numbers to give.
Result<std::string> MakeToken();

/// Returns whether `text` has the form of a token.
bool IsTokenForm(std::string_view text);

/// Returns what is stored of a token. A token is random, so that a plain SHA-256 cannot be turned
/// back, and finding it by an index tells nothing through the time that it takes.
std::string HashOfToken(std::string_view token);

}  // namespace distill::server
