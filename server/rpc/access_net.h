#pragma once

#include <grpcpp/support/server_interceptor.h>

#include "server/rpc/call_access.h"

namespace distill::server {

/// Makes the interceptors that every call goes through, whatever service it is for:
/// - of distill.v1, no method answers that did not go through CallAccess::Run under its own name: a
///   handler that forgets it is a bug, and its callers get INTERNAL instead of data;
/// - of health, everything goes;
/// - of any other service (reflection), CallAccess says who may call it.
/// Thread-safe. `access` must outlive the server.
class AccessNetFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit AccessNetFactory(const CallAccess& access) : access_(access) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  const CallAccess& access_;
};

}  // namespace distill::server
