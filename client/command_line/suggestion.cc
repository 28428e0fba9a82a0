#include "client/command_line/suggestion.h"

#include <algorithm>
#include <cstddef>

namespace distill::client {
namespace {

// The number of letters added, left out, changed, or swapped with their neighbour.
size_t EditDistance(const std::string& left, const std::string& right) {
  const size_t width = right.size() + 1;
  std::vector<size_t> table((left.size() + 1) * width);
  const auto at = [&](size_t i, size_t j) -> size_t& { return table[i * width + j]; };
  for (size_t i = 0; i <= left.size(); ++i) {
    for (size_t j = 0; j <= right.size(); ++j) {
      if (i == 0 || j == 0) {
        at(i, j) = i + j;
        continue;
      }
      const size_t changed = at(i - 1, j - 1) + (left[i - 1] == right[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, changed});
      const bool is_swap =
          i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (is_swap) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(left.size(), right.size());
}

}  // namespace

std::string NearestWord(const std::string& word, const std::vector<std::string>& words) {
  constexpr size_t kLongest = 64;
  if (word.size() > kLongest) return "";
  const size_t letters =
      static_cast<size_t>(std::count_if(word.begin(), word.end(), [](char c) { return c != '-'; }));
  std::string nearest;
  size_t fewest = letters / 3 + 1;
  for (const std::string& known : words) {
    const size_t distance = EditDistance(word, known);
    if (distance >= fewest) continue;
    fewest = distance;
    nearest = known;
  }
  return nearest;
}

}  // namespace distill::client
