#include "client/output/quantity_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

namespace distill::client {
namespace {

struct Unit {
  char letter;
  int64_t seconds;
};
constexpr std::array kUnits{Unit{'d', 86400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}};

Status NoDuration(std::string_view text) {
  return {Code::kInvalidArgument,
          "a length of time such as 90s, 15m or 1h30m is needed, not '" + std::string(text) + "'"};
}

// Returns the seconds of a unit, or 0 for a letter that is none.
int64_t SecondsOf(char letter) {
  for (const Unit& unit : kUnits) {
    if (unit.letter == letter) return unit.seconds;
  }
  return 0;
}

std::string Printed(const char* format, int digits, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, digits, value);
  return buffer.data();
}

}  // namespace

std::string DurationText(std::chrono::seconds duration) {
  int64_t rest = std::max<int64_t>(duration.count(), 0);
  for (size_t index = 0; index < kUnits.size(); ++index) {
    const Unit& unit = kUnits[index];
    if (rest < unit.seconds && index + 1 < kUnits.size()) continue;
    std::string text = std::to_string(rest / unit.seconds) + unit.letter;
    rest %= unit.seconds;
    if (index + 1 < kUnits.size() && rest / kUnits[index + 1].seconds > 0) {
      text += std::to_string(rest / kUnits[index + 1].seconds) + kUnits[index + 1].letter;
    }
    return text;
  }
  return "0s";
}

std::string AgeText(int64_t at_unix_ms, int64_t now_unix_ms) {
  if (at_unix_ms == 0) return "-";
  return DurationText(std::chrono::seconds((now_unix_ms - at_unix_ms) / 1000));
}

std::string KnownText(int32_t value, const std::string& unit) {
  return value < 0 ? "-" : std::to_string(value) + unit;
}

std::string BytesText(int64_t bytes) {
  constexpr std::array<const char*, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  size_t index = 0;
  while (amount >= 1024 && index + 1 < kNames.size()) {
    amount /= 1024;
    ++index;
  }
  return FixedText(amount, index == 0 ? 0 : 1) + " " + kNames[index];
}

std::string FixedText(double value, int digits) { return Printed("%.*f", digits, value); }

std::string NumberText(double value) { return Printed("%.*g", 6, value); }

std::string ExactText(double value) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

std::string TimeText(int64_t unix_ms) {
  if (unix_ms == 0) return "-";
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> buffer{};
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer.data();
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text.empty()) return NoDuration(text);
  double seconds = 0;
  const char* position = text.data();
  const char* const end = text.data() + text.size();
  while (position != end) {
    double amount = 0;
    const auto [after, error] = std::from_chars(position, end, amount, std::chars_format::fixed);
    if (error != std::errc() || !(amount >= 0)) return NoDuration(text);
    const bool has_unit = after != end;
    if (!has_unit && position != text.data()) return NoDuration(text);
    const int64_t unit = has_unit ? SecondsOf(*after) : 1;
    if (unit == 0) return NoDuration(text);
    seconds += amount * static_cast<double>(unit);
    position = has_unit ? after + 1 : after;
  }
  constexpr double kLongest = 10.0 * 365 * 86400;
  if (seconds > kLongest) return NoDuration(text);
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

Result<int64_t> ParseBytes(std::string_view text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr double kKibi = 1024;
  constexpr double kKilo = 1000;
  constexpr std::array kByteUnits = {Unit{"", 1},
                                     Unit{"B", 1},
                                     Unit{"KIB", kKibi},
                                     Unit{"MIB", kKibi * kKibi},
                                     Unit{"GIB", kKibi * kKibi * kKibi},
                                     Unit{"TIB", kKibi * kKibi * kKibi * kKibi},
                                     Unit{"KB", kKilo},
                                     Unit{"MB", kKilo * kKilo},
                                     Unit{"GB", kKilo * kKilo * kKilo},
                                     Unit{"TB", kKilo * kKilo * kKilo * kKilo}};
  const Status wrong(Code::kInvalidArgument,
                     "must be a size such as 12GiB or 800MiB, not '" + std::string(text) + "'");
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return wrong;
  std::string unit;
  for (const char c : text.substr(static_cast<size_t>(end - text.data()))) {
    if (c != ' ') unit += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  for (const Unit& known : kByteUnits) {
    constexpr double kMost = 9e18;
    if (unit != known.name || number * known.bytes > kMost) continue;
    return static_cast<int64_t>(std::llround(number * known.bytes));
  }
  return wrong;
}

}  // namespace distill::client
