#include "server/spec/field_violation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace distill::server {
namespace {

// Returns how many single-character edits turn `left` into `right`.
size_t EditDistance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  for (size_t column = 0; column <= right.size(); ++column) row[column] = column;
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

void ViolationList::Add(std::string field, std::string value, std::string remedy) {
  violations_.push_back({std::move(field), std::move(value), std::move(remedy)});
}

void ViolationList::CheckRange(std::string_view field, double value, double low, double high) {
  if (value >= low && value <= high) return;
  Add(std::string(field), NumberText(value),
      "must lie in [" + NumberText(low) + ", " + NumberText(high) + "]");
}

void ViolationList::CheckPositive(std::string_view field, double value, double high) {
  if (value > 0 && value <= high) return;
  Add(std::string(field), NumberText(value), "must be more than 0 and at most " + NumberText(high));
}

void ViolationList::CheckCount(std::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  Add(std::string(field), std::to_string(value),
      "must lie in " + std::to_string(low) + " to " + std::to_string(high));
}

std::string NumberText(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

std::string NearestName(std::string_view name, const std::vector<std::string>& names) {
  std::string nearest;
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace distill::server
