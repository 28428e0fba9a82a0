#pragma once

#include <grpcpp/support/server_interceptor.h>

#include "server/rpc/rpc_observer.h"

namespace distill::server {

/// Makes the interceptors that tell `observer` of every call. Thread-safe. `observer` must outlive
/// the server.
class CallWatchFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallWatchFactory(RpcObserver& observer) : observer_(observer) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  RpcObserver& observer_;
};

}  // namespace distill::server
