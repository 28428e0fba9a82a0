#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace distill::server {

/// Returns the number of the first line, from 1, where a character beyond ASCII stands outside of
/// strings and comments, where TOML allows none and toml++ 3.3 is not prepared for all; nullopt
/// where there is none. Text that is no TOML gives some answer.
std::optional<size_t> FirstLineWithBareUnicode(std::string_view toml);

}  // namespace distill::server
