#pragma once

#include <grpcpp/completion_queue.h>

#include <memory>
#include <thread>

namespace grpc {
class ServerBuilder;
}

namespace distill::server {

/// A thread that looks at the sockets of a gRPC server all the time. Where a server has callback
/// methods, gRPC (as of 1.51) leaves this to the threads of the callbacks, and these sleep for a
/// tenth of a second whenever none of their own had work for a second: all calls wait so long.
/// Thread-compatible.
class SocketPoller {
 public:
  /// `builder` must have built before Start.
  explicit SocketPoller(grpc::ServerBuilder& builder);
  ~SocketPoller();

  /// Once, after the server was started.
  void Start();

 private:
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;  // nothing is ever put into it
  std::thread thread_;
};

}  // namespace distill::server
