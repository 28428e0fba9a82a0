#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/job/service_health.h"
#include "server/rpc/call_access.h"
#include "server/rpc/dataset_service.h"
#include "server/rpc/job_service.h"
#include "server/rpc/live_streams.h"
#include "server/rpc/method_table.h"
#include "server/rpc/rpc_observer.h"
#include "server/rpc/server_service.h"
#include "server/rpc/service_dependencies.h"
#include "server/rpc/socket_poller.h"
#include "server/rpc/task_pool.h"
#include "server/rpc/transport_security.h"
#include "server/rpc/unknown_methods.h"
#include "server/rpc/user_service.h"

namespace grpc {
class ServerBuilder;
}

namespace distill::server {

/// How long a connection may be of no use before it is closed.
struct ConnectionLimits {
  /// It says nothing, or stops in the middle of its handshake.
  std::chrono::milliseconds handshake{10'000};
  /// No call is under way. A client comes back with its next one.
  std::chrono::milliseconds idle{5 * 60'000};
};

struct RpcServerOptions {
  std::string listen;                       // host:port; port 0 = any free one
  int max_message_bytes = 4 * 1024 * 1024;  // of a request
  bool has_reflection = true;
  TlsFiles tls;  // checked (CheckTlsFiles)
  ConnectionLimits connections;
  StreamLimits stream_limits;
  int64_t max_submits_per_minute = 0;  // of each user; 0 = no limit
  ServerFacts facts;
  // Called, from any thread, when no connection will be taken any more (TakeOverGrpcLog()).
  std::function<void()> on_listener_lost;
};

/// The gRPC server with all services, health and reflection. Thread-compatible.
class RpcServer {
 public:
  /// All must outlive the server.
  struct Dependencies {
    Backend backend;
    const AccessGate& gate;
    AuditLog& audit;
    RpcObserver* observer = nullptr;  // may be null
    ServiceHealth* health = nullptr;  // may be null: all is well
  };

  /// Starts to serve. kUnavailable: the address cannot be had.
  static Result<std::unique_ptr<RpcServer>> Start(const RpcServerOptions& options,
                                                  const Dependencies& dependencies);
  ~RpcServer() { Stop(std::chrono::milliseconds(0)); }

  /// The port that it listens on.
  int port() const { return port_; }

  /// Tells health watchers, ends all streams, and waits for the calls under way, at most about
  /// three times `grace`. Stopping twice is no error.
  void Stop(std::chrono::milliseconds grace);

 private:
  RpcServer(const RpcServerOptions& options, const Dependencies& dependencies);

  void FillTables(const RpcServerOptions& options);
  Status Listen(const RpcServerOptions& options, RpcObserver* observer);
  // Gives `builder` all that calls go through.
  void AddInterceptors(grpc::ServerBuilder& builder, const RpcServerOptions& options,
                       RpcObserver* observer) const;
  void FollowHealth(ServiceHealth* health);
  void SetServing(bool is_serving);

  TaskPool pool_;
  LiveStreams streams_;
  SubmitRate submit_rate_;
  const CallAccess access_;
  const ServiceDependencies services_;
  std::vector<std::unique_ptr<MethodTable>> tables_;
  JobServiceImpl jobs_;
  DatasetServiceImpl datasets_;
  ServerServiceImpl server_info_;
  UserServiceImpl users_;
  UnknownMethods unknown_;
  std::unique_ptr<SocketPoller> poller_;  // null: nothing is served
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  ServiceHealth* health_ = nullptr;
};

}  // namespace distill::server
