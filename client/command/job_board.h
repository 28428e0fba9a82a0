#pragma once

#include <cstddef>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "client/environment.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// Shows the progress of jobs: on a terminal one line each, redrawn in place; elsewhere a line at
/// each change of state and each epoch, or as JSON one document a line at each change. Thread-safe.
/// `out` and `environment` must outlive it.
class JobBoard {
 public:
  enum class Style { kSilent, kLines, kLive, kJson };

  JobBoard(const Environment& environment, std::ostream& out, Style style, size_t num_jobs);

  /// Takes the news of job number `index` and shows them.
  void Update(size_t index, const v1::Job& job);

  /// Prints a line above the live ones.
  void Note(std::ostream& stream, const std::string& message);

  /// Returns the jobs as they were last seen.
  std::vector<v1::Job> jobs() const;

 private:
  void EraseLiveLines();
  void DrawLiveLines();
  bool IsNews(const v1::Job& before, const v1::Job& after) const;

  const Environment& environment_;
  std::ostream& out_;
  const Style style_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<v1::Job> jobs_;
  size_t num_drawn_ = 0;
};

}  // namespace distill::client
