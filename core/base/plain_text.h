#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

/// Returns the number of the first line, from 1, with a byte that no text file holds: a control
/// character other than tab, line feed and carriage return, or one that is no part of UTF-8.
/// nullopt: it is all text.
std::optional<size_t> FirstLineThatIsNoText(std::string_view bytes);

/// Returns whether `bytes` are UTF-8 (RFC 3629), control characters included.
bool IsUtf8(std::string_view bytes);

/// Returns `bytes` with each byte that is no part of UTF-8 as \xHH: "caf\xe9". For texts that
/// people read, e.g. the name of a file: two different ones may become equal.
std::string Utf8OrEscaped(std::string_view bytes);

/// Returns the lines of `text` without their ends (line feed, with or without a carriage return
/// before it); empty ones are left out.
std::vector<std::string> LinesOf(std::string_view text);

/// Returns `text` without the byte order mark that some editors put before UTF-8.
std::string_view WithoutByteOrderMark(std::string_view text);

/// What std::string_view has only from C++20 on (see ARCHITECTURE.md on the core's language).
inline bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}
inline bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace distill
