#include "core/base/plain_text.h"

#include <algorithm>
#include <cstdint>

namespace distill {
namespace {

// Returns the length of the character of UTF-8 that `bytes` begin with; 0 when it is none.
size_t Utf8Bytes(std::string_view bytes) {
  const auto at = [&](size_t index) { return static_cast<uint8_t>(bytes[index]); };
  const uint8_t first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes.size() < length) return 0;
  for (size_t index = 1; index < length; ++index) {
    if ((at(index) & 0xC0U) != 0x80U) return 0;
  }
  // Longer than needed, a surrogate, or beyond Unicode (RFC 3629, section 4).
  const bool is_wrong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F) ||
                        (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F);
  return is_wrong ? 0 : length;
}

// The same; also 0 when it is a control character that no text holds.
size_t CharacterBytes(std::string_view bytes) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  const bool is_control =
      (first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7F;
  return is_control ? 0 : Utf8Bytes(bytes);
}

}  // namespace

std::optional<size_t> FirstLineThatIsNoText(std::string_view bytes) {
  for (size_t position = 0; position < bytes.size();) {
    const size_t length = CharacterBytes(bytes.substr(position));
    if (length == 0) {
      return 1 + static_cast<size_t>(std::count(
                     bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
    }
    position += length;
  }
  return std::nullopt;
}

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = Utf8Bytes(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string Utf8OrEscaped(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  while (!bytes.empty()) {
    const size_t length = Utf8Bytes(bytes);
    if (length == 0) {
      const auto byte = static_cast<uint8_t>(bytes[0]);
      text += "\\x";
      text += kDigits[byte >> 4U];
      text += kDigits[byte & 15U];
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return text;
}

std::string_view WithoutByteOrderMark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return StartsWith(text, kMark) ? text.substr(kMark.size()) : text;
}

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (EndsWith(line, "\r")) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace distill
