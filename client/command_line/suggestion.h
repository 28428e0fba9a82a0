#pragma once

#include <string>
#include <vector>

namespace distill::client {

/// Returns the one of `words` that was probably meant by `word`: with the fewest letters added,
/// left out, changed or swapped, a third of them at most; the first of several, "" for none.
std::string NearestWord(const std::string& word, const std::vector<std::string>& words);

}  // namespace distill::client
