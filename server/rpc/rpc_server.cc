#include "server/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <vector>

#include "server/rpc/access_net.h"
#include "server/rpc/call_watch.h"
#include "server/rpc/grpc_log.h"

namespace distill::server {
namespace {

constexpr int kTaskThreads = 4;
constexpr int kMaxGrpcThreads = 256;
constexpr int kMinPingIntervalMs = 30'000;
constexpr int64_t kMebi = int64_t{1} << 20;
constexpr int64_t kMaxRequestsAtOnce = 16;  // of the largest size
constexpr int64_t kMemoryOfStream = int64_t{32} << 10;
constexpr int64_t kOtherMemory = 64 * kMebi;  // of connections and small calls

// gRPC looks at the size of a request when it has all of it: what bounds its memory is this. When
// more is asked for, it ends idle connections and calls under way.
size_t MaxMemory(const RpcServerOptions& options) {
  return static_cast<size_t>(kOtherMemory + kMaxRequestsAtOnce * options.max_message_bytes +
                             kMemoryOfStream * options.stream_limits.total);
}

}  // namespace

RpcServer::RpcServer(const RpcServerOptions& options, const Dependencies& dependencies)
    : pool_(kTaskThreads),
      streams_(options.stream_limits),
      submit_rate_(options.max_submits_per_minute, dependencies.backend.clock),
      access_(dependencies.gate, dependencies.audit, dependencies.backend.clock),
      services_{dependencies.backend,
                access_,
                submit_rate_,
                {pool_, streams_, dependencies.backend.events}},
      jobs_(services_),
      datasets_(services_),
      server_info_(options.facts, services_, dependencies.health),
      users_(access_),
      unknown_(access_, pool_) {
  FillTables(options);
}

void RpcServer::FillTables(const RpcServerOptions& options) {
  const auto add = [&](const char* service) -> MethodTable& {
    return *tables_.emplace_back(std::make_unique<MethodTable>(
        service, static_cast<size_t>(options.max_message_bytes), services_.stream_environment));
  };
  jobs_.AddTo(add("distill.v1.JobService"));
  datasets_.AddTo(add("distill.v1.DatasetService"));
  server_info_.AddTo(add("distill.v1.ServerService"));
  users_.AddTo(add("distill.v1.UserService"));
}

Status RpcServer::Listen(const RpcServerOptions& options, RpcObserver* observer) {
  grpc::EnableDefaultHealthCheckService(true);
  if (options.has_reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota("distilld");
  quota.SetMaxThreads(kMaxGrpcThreads);
  quota.Resize(MaxMemory(options));
  builder.SetResourceQuota(quota);
  builder.AddListeningPort(options.listen, MakeServerCredentials(options.tls), &port_);
  // Requests are looked at by GuardedMethod, as they came over the wire.
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             static_cast<int>(options.connections.idle.count()));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(options.connections.handshake.count()));
  // Two daemons on one port would share it silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (const auto& table : tables_) builder.RegisterService(table.get());
  builder.RegisterCallbackGenericService(&unknown_);
  AddInterceptors(builder, options, observer);
  poller_ = std::make_unique<SocketPoller>(builder);
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    return {Code::kUnavailable, "cannot listen on this address: " + options.listen};
  }
  poller_->Start();
  return {};
}

void RpcServer::AddInterceptors(grpc::ServerBuilder& builder, const RpcServerOptions& options,
                                RpcObserver* observer) const {
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  if (observer != nullptr) {
    CallWatchFactory::Paths served;
    for (const auto& table : tables_) served.insert(table->paths().begin(), table->paths().end());
    interceptors.push_back(std::make_unique<CallWatchFactory>(*observer, std::move(served)));
  }
  interceptors.push_back(
      std::make_unique<AccessNetFactory>(access_, static_cast<size_t>(options.max_message_bytes)));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
}

void RpcServer::FollowHealth(ServiceHealth* health) {
  health_ = health;
  if (health_ == nullptr) {
    SetServing(true);
  } else {
    health_->Watch([this](bool is_well) { SetServing(is_well); });
  }
}

Result<std::unique_ptr<RpcServer>> RpcServer::Start(const RpcServerOptions& options,
                                                    const Dependencies& dependencies) {
  TakeOverGrpcLog(options.on_listener_lost);
  std::unique_ptr<RpcServer> server(new RpcServer(options, dependencies));
  DISTILL_RETURN_IF_ERROR(server->Listen(options, dependencies.observer));
  server->FollowHealth(dependencies.health);
  return server;
}

void RpcServer::SetServing(bool is_serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  if (health == nullptr) return;
  health->SetServingStatus(is_serving);
  for (const auto& table : tables_) health->SetServingStatus(table->service(), is_serving);
}

void RpcServer::Stop(std::chrono::milliseconds grace) {
  if (!server_) return;
  TakeOverGrpcLog({});
  if (health_ != nullptr) health_->Watch({});
  SetServing(false);
  streams_.FinishAll(grace);
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
  server_.reset();
  poller_.reset();
  pool_.Stop();
}

}  // namespace distill::server
