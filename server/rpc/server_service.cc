#include "server/rpc/server_service.h"

#include <algorithm>
#include <vector>

#include "core/base/architecture.h"
#include "server/rpc/job_messages.h"
#include "server/rpc/job_veil.h"
#include "server/rpc/method_table.h"
#include "server/rpc/rpc_guard.h"

namespace distill::server {
namespace {

void CountJobs(const std::vector<JobRecord>& active, v1::ServerInfo& response) {
  const auto num_running = std::count_if(active.begin(), active.end(),
                                         [](const JobRecord& job) { return HasWorker(job.state); });
  response.set_jobs_running(static_cast<int>(num_running));
  response.set_jobs_queued(static_cast<int>(active.size()) - static_cast<int>(num_running));
}

}  // namespace

void ServerServiceImpl::AddTo(MethodTable& table) {
  table.Add("GetServerInfo", *this, &ServerServiceImpl::GetServerInfo);
  table.Add("ListDevices", *this, &ServerServiceImpl::ListDevices);
}

grpc::Status ServerServiceImpl::GetServerInfo(grpc::ServerContext* context,
                                              const v1::GetServerInfoRequest*,
                                              v1::ServerInfo* response) {
  return ToGrpc(
      dependencies_.access.Run(*context, __func__, "", [&](const AdmittedCall&) -> Status {
        const auto jobs = dependencies_.backend.store.ListActiveJobs();
        if (health_ != nullptr) response->set_trouble(health_->Trouble());
        // A server in trouble tells at least that.
        if (!jobs.ok() && response->trouble().empty()) return jobs.status();
        response->set_version(facts_.version);
        response->set_started_at_unix_ms(facts_.started_at_unix_ms);
        if (jobs.ok()) CountJobs(*jobs, *response);
        response->set_sqlite_version(facts_.sqlite_version);
        response->set_schema_version(dependencies_.backend.store.SchemaVersion());
        for (const Architecture& architecture : Architectures()) {
          response->add_models(std::string(architecture.name));
        }
        return {};
      }));
}

grpc::Status ServerServiceImpl::ListDevices(grpc::ServerContext* context,
                                            const v1::ListDevicesRequest*,
                                            v1::ListDevicesResponse* response) {
  return ToGrpc(
      dependencies_.access.Run(*context, __func__, "", [&](const AdmittedCall& call) -> Status {
        const JobVeil veil(call, dependencies_.backend.store);
        for (const DeviceUse& use : dependencies_.backend.manager.ListDevices()) {
          *response->add_devices() = ToMessage(use, veil);
        }
        return {};
      }));
}

}  // namespace distill::server
