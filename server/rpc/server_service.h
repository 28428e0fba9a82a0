#pragma once

#include <cstdint>
#include <string>

#include "distill/v1/server_service.grpc.pb.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/rpc/call_access.h"

namespace distill::server {

/// What does not change while the server runs.
struct ServerFacts {
  std::string version;
  std::string sqlite_version;
  int64_t started_at_unix_ms = 0;
};

/// distill.v1.ServerService. Thread-safe.
class ServerServiceImpl final : public v1::ServerService::Service {
 public:
  /// All must outlive this object.
  ServerServiceImpl(ServerFacts facts, JobStore& store, JobManager& manager,
                    const CallAccess& access)
      : facts_(std::move(facts)), store_(store), manager_(manager), access_(access) {}

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::ServerInfo* response) override;
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response) override;

 private:
  const ServerFacts facts_;
  JobStore& store_;
  JobManager& manager_;
  const CallAccess& access_;
};

}  // namespace distill::server
