#pragma once

#include <grpcpp/support/server_interceptor.h>

#include "server/rpc/call_access.h"

namespace distill::server {

/// Makes the interceptors that every call goes through, whatever service it is for:
/// - of health, everything goes;
/// - of reflection, CallAccess says who may call it, and its requests have at most
///   `max_request_bytes`;
/// - of everything else, nothing but an error is answered that did not go through CallAccess::Run
///   under its own name: a handler that forgets it is a bug, and its callers get INTERNAL instead;
/// - a call of distill.v1 that ends before its handler runs (GuardedMethod, no thread left) goes
///   into the audit trail.
/// Thread-safe. `access` must outlive the server.
class AccessNetFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  AccessNetFactory(const CallAccess& access, size_t max_request_bytes)
      : access_(access), max_request_bytes_(max_request_bytes) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  const CallAccess& access_;
  const size_t max_request_bytes_;
};

}  // namespace distill::server
