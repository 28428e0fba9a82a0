#include "server/job/sentence.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace distill::server {
namespace {

// Unit separator: no text holds it, and whoever reads the database with other eyes sees the words
// between.
constexpr char kMark = '\x1f';
constexpr std::string_view kWord = "job ";

// Returns the job that `reference` names, the text between two marks; 0 = it is none.
JobId JobOf(std::string_view reference) {
  JobId job = 0;
  if (reference.substr(0, kWord.size()) != kWord) return 0;
  const char* end = reference.data() + reference.size();
  const auto read = std::from_chars(reference.data() + kWord.size(), end, job);
  return read.ec == std::errc() && read.ptr == end ? job : 0;
}

}  // namespace

Sentence::Sentence(std::string text) : parts_(std::move(text)) {
  parts_.erase(std::remove(parts_.begin(), parts_.end(), kMark), parts_.end());
}

Sentence Sentence::Naming(JobId job) { return FromStored(kMark + JobText(job) + kMark); }

Sentence Sentence::FromStored(std::string stored) {
  Sentence sentence;
  sentence.parts_ = std::move(stored);
  return sentence;
}

std::string Sentence::Print(const std::function<std::string(JobId)>& name) const {
  std::string text;
  bool is_reference = false;
  for (std::string_view rest = parts_;; is_reference = !is_reference) {
    const size_t mark = rest.find(kMark);
    const std::string_view part = rest.substr(0, mark);
    const JobId job = is_reference ? JobOf(part) : 0;
    text += job != 0 ? name(job) : std::string(part);
    if (mark == std::string_view::npos) return text;
    rest.remove_prefix(mark + 1);
  }
}

}  // namespace distill::server
