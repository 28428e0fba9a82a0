#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/method_handler.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/rpc/guarded_method.h"
#include "server/rpc/pumped_stream.h"

namespace distill::server {

/// The methods of one service, as gRPC serves them: what protoc makes of a service, with a
/// GuardedMethod around each method. Filled before the server starts.
class MethodTable final : public grpc::Service {
 public:
  /// `service`: the full name, as "distill.v1.JobService". What `environment` names must outlive
  /// this object.
  MethodTable(std::string service, size_t max_request_bytes, const StreamEnvironment& environment)
      : service_(std::move(service)),
        max_request_bytes_(max_request_bytes),
        environment_(environment) {}

  const std::string& service() const { return service_; }
  /// The paths of all methods: "/distill.v1.JobService/CreateJob".
  const std::deque<std::string>& paths() const { return paths_; }

  /// Adds a method with one answer, which runs on gRPC's own threads and may block. `object` must
  /// outlive the server.
  template <typename Object, typename Request, typename Response>
  void Add(const char* name, Object& object,
           grpc::Status (Object::*method)(grpc::ServerContext*, const Request*, Response*)) {
    // With the messages' base: the code that reads and writes them is there once.
    using Handler =
        grpc::internal::RpcMethodHandler<Object, Request, Response, grpc::protobuf::MessageLite,
                                         grpc::protobuf::MessageLite>;
    AddUnary(name, std::make_unique<Handler>(std::mem_fn(method), &object));
  }

  /// Adds a method with a stream of answers, which must not block.
  template <typename Object, typename Request, typename Message>
  void Add(const char* name, Object& object,
           grpc::ServerWriteReactor<Message>* (Object::*method)(grpc::CallbackServerContext*,
                                                                const Request*)) {
    using Handler = grpc::internal::CallbackServerStreamingHandler<Request, Message>;
    using Parameter = grpc::internal::MethodHandler::HandlerParameter;
    const auto start = [&object, method](grpc::CallbackServerContext* context,
                                         const Request* request) {
      return (object.*method)(context, request);
    };
    // gRPC's handler would end the call with UNIMPLEMENTED, whatever is wrong.
    const auto refuse = [this](const Parameter& call, const Status& why) {
      Handler refusing([&](grpc::CallbackServerContext* context, const Request*) {
        return PumpedStream<Message>::Refuse(environment_, *context, why);
      });
      refusing.RunHandler({call.call, call.server_context, /*req=*/nullptr, grpc::Status::OK,
                           /*handler_data=*/nullptr, call.call_requester});
    };
    AddStream(name, std::make_unique<Handler>(start), refuse);
  }

 private:
  void AddUnary(const char* name, std::unique_ptr<grpc::internal::MethodHandler> handler);
  void AddStream(const char* name, std::unique_ptr<grpc::internal::MethodHandler> handler,
                 GuardedMethod::Refuse refuse);
  // Returns a path that lives as long as this object, which gRPC asks for.
  const char* PathOf(const char* name);

  const std::string service_;
  const size_t max_request_bytes_;
  const StreamEnvironment environment_;
  std::deque<std::string> paths_;
};

}  // namespace distill::server
