#include "server/app/toml_text.h"

#include <algorithm>

namespace distill::server {
namespace {

// Returns how many bytes the string takes that `text` begins with: a basic or a literal one, of one
// line or of several; 0: it is not closed.
size_t StringBytes(std::string_view text) {
  const char quote = text[0];
  const bool is_long = text.size() >= 3 && text[1] == quote && text[2] == quote;
  const size_t width = is_long ? 3 : 1;
  const std::string_view mark = text.substr(0, width);
  for (size_t index = width; index < text.size(); ++index) {
    if (text[index] == '\\' && quote == '"') {
      ++index;
    } else if (text[index] == '\n' && !is_long) {
      return 0;
    } else if (text.substr(index, width) == mark) {
      return index + width;
    }
  }
  return 0;
}

// Returns how many bytes of comment or string `text` begins with; 0 for anything else. `before`:
// the last character before it that is no space. Within a bare word a quote opens no string.
size_t BytesToPassOver(std::string_view text, char before) {
  constexpr std::string_view kBeforeStrings = "\n=[{,.";
  if (text[0] == '#') return std::min(text.find('\n'), text.size());
  const bool is_quote = text[0] == '"' || text[0] == '\'';
  return is_quote && kBeforeStrings.find(before) != std::string_view::npos ? StringBytes(text) : 0;
}

}  // namespace

std::optional<size_t> FirstLineWithBareUnicode(std::string_view toml) {
  char before = '\n';
  for (size_t index = 0; index < toml.size();) {
    const size_t passed = BytesToPassOver(toml.substr(index), before);
    if (passed == 0 && static_cast<unsigned char>(toml[index]) >= 0x80) {
      const auto* const here = toml.begin() + static_cast<std::ptrdiff_t>(index);
      return 1 + static_cast<size_t>(std::count(toml.begin(), here, '\n'));
    }
    if (toml[index] != ' ' && toml[index] != '\t' && toml[index] != '\r') before = toml[index];
    index += std::max<size_t>(passed, 1);
  }
  return std::nullopt;
}

}  // namespace distill::server
