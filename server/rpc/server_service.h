#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "distill/v1/server_service.pb.h"
#include "server/job/service_health.h"
#include "server/rpc/service_dependencies.h"

namespace distill::server {

class MethodTable;

/// What does not change while the server runs.
struct ServerFacts {
  std::string version;
  std::string sqlite_version;
  int64_t started_at_unix_ms = 0;
};

/// distill.v1.ServerService. Thread-safe.
class ServerServiceImpl final {
 public:
  /// `health` must outlive this object; it may be null: all is well.
  ServerServiceImpl(ServerFacts facts, const ServiceDependencies& dependencies,
                    const ServiceHealth* health)
      : facts_(std::move(facts)), dependencies_(dependencies), health_(health) {}

  /// Adds all methods to `table`. This object must outlive the server.
  void AddTo(MethodTable& table);

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::ServerInfo* response);
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response);

 private:
  const ServerFacts facts_;
  const ServiceDependencies dependencies_;
  const ServiceHealth* const health_;
};

}  // namespace distill::server
