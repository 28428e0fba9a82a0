#pragma once

#include <grpcpp/support/status.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "server/spec/field_violation.h"

namespace distill::server {

/// Translates for the wire. Long messages are cut: they travel in an HTTP/2 header. An error gets a
/// google.rpc.ErrorInfo with domain "distilld" and `reason`, or, where that is empty, one that
/// follows from the code.
grpc::Status ToGrpc(const Status& status, std::string_view reason = {});

/// Returns INVALID_ARGUMENT (reason INVALID_REQUEST) with every violation, as far as they fit a
/// header, in a google.rpc.BadRequest.
grpc::Status ToGrpc(const std::vector<FieldViolation>& violations);

/// Calls `body` and turns anything that escapes it into kInternal. The last line of defence of
/// every RPC: an exception that reaches gRPC loses its message (sync), or leaves the call
/// unfinished for ever (callback).
template <typename Body>
auto CallGuarded(Body&& body) noexcept -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::exception& error) {
    return Status(Code::kInternal, error.what());
  } catch (...) {
    return Status(Code::kInternal, "unknown exception");
  }
}

}  // namespace distill::server
