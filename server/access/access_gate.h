#pragma once

#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/access/access_store.h"
#include "server/access/caller.h"

namespace distill::server {

struct AccessGateOptions {
  /// Whether a token is asked for even where the store holds no user: for addresses that others
  /// reach.
  bool always_asks_token = false;
  /// Whether jobs are hidden from all but their owners and admins.
  bool has_private_jobs = false;
};

/// What a call brings along.
struct Credentials {
  std::optional<std::string> authorization;  // the metadata of that name
  std::string claimed_name;                  // used only while nobody is asked for a token
};

/// Says who calls, and decides what that caller may do. Thread-safe.
class AccessGate {
 public:
  /// Both must outlive this object.
  AccessGate(const AccessGateOptions& options, AccessStore& store, const Clock& clock)
      : options_(options), store_(store), clock_(clock) {}

  /// Returns who calls. Blocks on the store, which is asked each time: a token that was revoked, or
  /// a user that was removed, is out at once. kUnauthenticated: no token, one that is unknown,
  /// expired or revoked; the message says which and what to do, and never repeats the token.
  Result<Caller> Identify(const Credentials& credentials) const;

  /// Returns whether `caller` may change what `owner` owns.
  static bool MayChange(const Caller& caller, const std::string& owner) {
    return caller.may_act_for_all() || caller.name == owner;
  }
  /// Returns whether `caller` may see a job of `owner`.
  bool MaySeeJob(const Caller& caller, const std::string& owner) const {
    return !hides_jobs_from(caller) || caller.name == owner;
  }
  /// Whether `caller` sees no jobs but own ones.
  bool hides_jobs_from(const Caller& caller) const {
    return options_.has_private_jobs && !caller.may_act_for_all();
  }

 private:
  const AccessGateOptions options_;
  AccessStore& store_;
  const Clock& clock_;
};

}  // namespace distill::server
