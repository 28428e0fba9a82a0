#pragma once

#include <functional>
#include <string>

#include "server/job/job_id.h"

namespace distill::server {

/// One sentence for a person, which names jobs by reference, so that each reader can be told what
/// that reader may know of them. Made of text and references, put together with +; becomes text by
/// Plain() or Print() only. May be empty. A value.
class Sentence {
 public:
  Sentence() = default;
  /// Text that names no job.
  Sentence(std::string text);  // NOLINT(google-explicit-constructor): text is a sentence
  Sentence(const char* text) : Sentence(std::string(text)) {}  // NOLINT: as above

  /// A reference to a job.
  static Sentence Naming(JobId job);

  bool empty() const { return parts_.empty(); }
  /// What somebody reads who may know of all jobs: "waits for job 7".
  std::string Plain() const { return Print(&JobText); }
  /// What somebody reads to whom a job is what `name` returns for it.
  std::string Print(const std::function<std::string(JobId)>& name) const;

  /// The form in which it is stored, and back from it.
  const std::string& stored() const { return parts_; }
  static Sentence FromStored(std::string stored);

  Sentence& operator+=(const Sentence& other) {
    parts_ += other.parts_;
    return *this;
  }
  friend Sentence operator+(Sentence left, const Sentence& right) { return left += right; }
  friend bool operator==(const Sentence&, const Sentence&) = default;

 private:
  std::string parts_;  // text, and between two marks each, references
};

}  // namespace distill::server
