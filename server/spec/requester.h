#pragma once

#include <string>

namespace distill::server {

/// Who asks for jobs.
struct Requester {
  std::string name;
  /// Whether the jobs of others are hidden from this user: as good as not there.
  bool sees_only_own_jobs = false;
};

}  // namespace distill::server
