#pragma once

#include <vector>

#include "server/job/job_observer.h"

namespace distill::server {

/// Tells several observers, in order. They must outlive this object. Thread-safe once filled.
class JobObservers final : public JobObserver {
 public:
  void Add(JobObserver& observer) { observers_.push_back(&observer); }

  void OnMove(const JobRecord& job, std::optional<JobState> from) override {
    for (JobObserver* observer : observers_) observer->OnMove(job, from);
  }

 private:
  std::vector<JobObserver*> observers_;
};

}  // namespace distill::server
