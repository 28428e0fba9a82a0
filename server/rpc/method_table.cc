#include "server/rpc/method_table.h"

namespace distill::server {

using grpc::internal::MethodHandler;
using grpc::internal::RpcServiceMethod;

const char* MethodTable::PathOf(const char* name) {
  return paths_.emplace_back("/" + service_ + "/" + name).c_str();
}

void MethodTable::AddUnary(const char* name, std::unique_ptr<MethodHandler> handler) {
  auto guarded = std::make_unique<GuardedMethod>(std::move(handler), max_request_bytes_);
  // gRPC owns both.
  AddMethod(new RpcServiceMethod(PathOf(name), RpcServiceMethod::NORMAL_RPC, guarded.release()));
}

void MethodTable::AddStream(const char* name, std::unique_ptr<MethodHandler> handler,
                            GuardedMethod::Refuse refuse) {
  auto guarded =
      std::make_unique<GuardedMethod>(std::move(handler), max_request_bytes_, std::move(refuse));
  const auto place = static_cast<int>(paths_.size());
  AddMethod(new RpcServiceMethod(PathOf(name), RpcServiceMethod::SERVER_STREAMING, nullptr));
  MarkMethodCallback(place, guarded.release());
}

}  // namespace distill::server
