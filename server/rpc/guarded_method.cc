#include "server/rpc/guarded_method.h"

#include <grpc/byte_buffer.h>

#include <string>

#include "server/rpc/rpc_guard.h"

namespace distill::server {

Status TooLarge(size_t size, size_t max_bytes) {
  return {Code::kResourceExhausted, "the request is too large: " + std::to_string(size) +
                                        " bytes (max_message_bytes: " + std::to_string(max_bytes) +
                                        "): submit fewer jobs at once, or ask an admin for more"};
}

Status CheckRequest(const grpc_byte_buffer* request, size_t max_bytes) {
  if (request == nullptr) {
    return {Code::kCancelled,
            "the request did not come whole: its client left, or the memory for requests was full"};
  }
  // The function reads only.
  const size_t size = grpc_byte_buffer_length(const_cast<grpc_byte_buffer*>(request));
  if (size > max_bytes) return TooLarge(size, max_bytes);
  if (request->data.raw.compression != GRPC_COMPRESS_NONE) {
    return {Code::kUnimplemented,
            "the request is compressed, which this server does not take: send it uncompressed"};
  }
  return {};
}

void GuardedMethod::RunHandler(const HandlerParameter& call) {
  if (call.status.ok() || !refuse_) {
    handler_->RunHandler(call);
  } else {
    refuse_(call, {static_cast<Code>(call.status.error_code()), call.status.error_message()});
  }
}

void* GuardedMethod::Deserialize(grpc_call* call, grpc_byte_buffer* request, grpc::Status* status,
                                 void** handler_data) {
  const Status refusal = CheckRequest(request, max_request_bytes_);
  if (!refusal.ok()) {
    grpc_byte_buffer_destroy(request);
    *status = ToGrpc(refusal);
    return nullptr;
  }
  void* message = handler_->Deserialize(call, request, status, handler_data);
  if (message == nullptr) {
    *status = ToGrpc({Code::kInvalidArgument, "the request is no message of this method"});
  }
  return message;
}

}  // namespace distill::server
