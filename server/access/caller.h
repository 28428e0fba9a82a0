#pragma once

#include <cstdint>
#include <string>

#include "server/access/user.h"

namespace distill::server {

/// Who calls.
struct Caller {
  std::string name;
  Role role = Role::kUser;
  /// Whether a token proved the name. Without users in the store nobody is asked for one, and
  /// everybody may do everything under the name that they give.
  bool is_verified = false;
  int64_t token_expires_at_unix_ms = 0;  // 0 = never, or no token

  /// Whether the jobs and data sets of others are this caller's to change.
  bool may_act_for_all() const { return !is_verified || role == Role::kAdmin; }
};

}  // namespace distill::server
