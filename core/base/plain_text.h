#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace distill {

/// Returns the number of the first line, from 1, with a byte that no text file holds: a control
/// character other than tab, line feed and carriage return, or one that is no part of UTF-8.
/// nullopt: it is all text.
std::optional<size_t> FirstLineThatIsNoText(std::string_view bytes);

}  // namespace distill
