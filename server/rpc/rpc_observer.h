#pragma once

#include <chrono>
#include <string_view>

#include "core/base/status.h"

namespace distill::server {

/// Sees every call that the server answers, for figures. Thread-safe.
class RpcObserver {
 public:
  virtual ~RpcObserver() = default;

  struct Call {
    /// "CreateJob"; "other": health and reflection; "unknown": there is no such method.
    std::string_view method;
    bool is_stream = false;
    Code code = Code::kOk;
    std::chrono::nanoseconds duration{0};  // from the call's arrival to its status
  };

  /// Called on gRPC's threads: must be quick.
  virtual void OnCall(const Call& call) = 0;
};

}  // namespace distill::server
