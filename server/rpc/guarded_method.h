#pragma once

#include <grpcpp/impl/rpc_service_method.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "core/base/status.h"

namespace distill::server {

/// Returns what the client of a request of `size` bytes is told where `max_bytes` are taken.
Status TooLarge(size_t size, size_t max_bytes);

/// Says whether a request is read at all, as it came over the wire (null: it did not come).
/// kResourceExhausted: it is larger than `max_bytes`; the message tells how large. kUnimplemented:
/// it is compressed, so that its size says nothing. kCancelled: it did not come whole.
Status CheckRequest(const grpc_byte_buffer* request, size_t max_bytes);

/// A method whose requests go through CheckRequest before they are read. gRPC's own limit would end
/// a call before anybody could see who made it, and looks at the size only when all has been
/// received and decompressed. Thread-safe.
class GuardedMethod final : public grpc::internal::MethodHandler {
 public:
  /// Ends a call with an error.
  using Refuse = std::function<void(const HandlerParameter& call, const Status& why)>;

  /// `handler` serves the requests that pass, and by itself ends the other calls with their error
  /// unless `refuse` is given.
  GuardedMethod(std::unique_ptr<grpc::internal::MethodHandler> handler, size_t max_request_bytes,
                Refuse refuse = {})
      : handler_(std::move(handler)),
        max_request_bytes_(max_request_bytes),
        refuse_(std::move(refuse)) {}

  void RunHandler(const HandlerParameter& call) override;
  void* Deserialize(grpc_call* call, grpc_byte_buffer* request, grpc::Status* status,
                    void** handler_data) override;

 private:
  const std::unique_ptr<grpc::internal::MethodHandler> handler_;
  const size_t max_request_bytes_;
  const Refuse refuse_;
};

}  // namespace distill::server
