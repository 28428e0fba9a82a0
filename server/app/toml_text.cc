#include "server/app/toml_text.h"

#include <algorithm>

namespace distill::server {
namespace {

// Returns how many bytes the string takes that `text` begins with: a basic or a literal one, of one
// line or of several. One that is not closed takes the rest of its line, or all.
size_t StringBytes(std::string_view text) {
  const char quote = text[0];
  const bool is_long = text.size() >= 3 && text[1] == quote && text[2] == quote;
  const size_t width = is_long ? 3 : 1;
  const std::string_view mark = text.substr(0, width);
  for (size_t index = width; index < text.size(); ++index) {
    if (text[index] == '\\' && quote == '"') {
      ++index;
    } else if (text[index] == '\n' && !is_long) {
      return index;
    } else if (text.substr(index, width) == mark) {
      return index + width;
    }
  }
  return text.size();
}

// Returns how many bytes of comment or string `text` begins with; 0 for anything else.
size_t BytesToPassOver(std::string_view text) {
  if (text[0] == '#') return std::min(text.find('\n'), text.size());
  return text[0] == '"' || text[0] == '\'' ? StringBytes(text) : 0;
}

}  // namespace

std::optional<size_t> FirstLineWithBareUnicode(std::string_view toml) {
  for (size_t index = 0; index < toml.size();) {
    const size_t passed = BytesToPassOver(toml.substr(index));
    if (passed == 0 && static_cast<unsigned char>(toml[index]) >= 0x80) {
      const auto* const here = toml.begin() + static_cast<std::ptrdiff_t>(index);
      return 1 + static_cast<size_t>(std::count(toml.begin(), here, '\n'));
    }
    index += std::max<size_t>(passed, 1);
  }
  return std::nullopt;
}

}  // namespace distill::server
