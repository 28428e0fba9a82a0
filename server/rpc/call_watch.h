#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "server/rpc/rpc_observer.h"

namespace distill::server {

/// Makes the interceptors that tell `observer` of every call, under a name of ours: a path that a
/// client made up is never one. Thread-safe. `observer` must outlive the server.
class CallWatchFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  using Paths = std::set<std::string, std::less<>>;

  /// `served`: the paths of all methods of distill.v1.
  CallWatchFactory(RpcObserver& observer, Paths served)
      : observer_(observer), served_(std::move(served)) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  RpcObserver& observer_;
  const Paths served_;
};

}  // namespace distill::server
