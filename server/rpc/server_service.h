#pragma once

#include <cstdint>
#include <string>

#include "distill/v1/server_service.pb.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/job/service_health.h"
#include "server/rpc/call_access.h"

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
  struct Dependencies {
    JobStore& store;
    JobManager& manager;
    const CallAccess& access;
    const ServiceHealth* health = nullptr;  // may be null: all is well
  };
  /// All of `dependencies` must outlive this object.
  ServerServiceImpl(ServerFacts facts, const Dependencies& dependencies)
      : facts_(std::move(facts)),
        store_(dependencies.store),
        manager_(dependencies.manager),
        access_(dependencies.access),
        health_(dependencies.health) {}

  /// Adds all methods to `table`. This object must outlive the server.
  void AddTo(MethodTable& table);

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::ServerInfo* response);
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response);

 private:
  const ServerFacts facts_;
  JobStore& store_;
  JobManager& manager_;
  const CallAccess& access_;
  const ServiceHealth* const health_;
};

}  // namespace distill::server
