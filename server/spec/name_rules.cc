#include "server/spec/name_rules.h"

#include <algorithm>
#include <cstddef>

namespace distill::server {
namespace {

// Locale-free, unlike <cctype>.
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

bool IsName(std::string_view name) {
  constexpr size_t kMaxName = 63;
  if (name.empty() || name.size() > kMaxName) return false;
  if (!IsDigit(name[0]) && !IsLetter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return IsDigit(c) || IsLetter(c) || c == '.' || c == '_' || c == '-';
  });
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

bool IsUuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), kForm.begin(), kForm.end(),
                    [](char c, char form) { return form == 'x' ? IsHex(c) : c == form; });
}

bool IsDeviceName(std::string_view text) {
  constexpr size_t kMaxIndexDigits = 3;
  constexpr std::string_view kFurtherCpu = "cpu:";
  if (text == "cpu") return true;
  if (text.substr(0, kFurtherCpu.size()) == kFurtherCpu) {
    text.remove_prefix(kFurtherCpu.size());
    return !text.empty() && IsDigits(text) && text.size() <= kMaxIndexDigits;
  }
  if (IsDigits(text)) return text.size() <= kMaxIndexDigits;
  const bool has_prefix = text.substr(0, 4) == "GPU-" || text.substr(0, 4) == "MIG-";
  return has_prefix && IsUuid(text.substr(4));
}

}  // namespace distill::server
