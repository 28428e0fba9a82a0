#include "server/rpc/call_watch.h"

#include <string>
#include <string_view>

#include "server/rpc/grpc_methods.h"

namespace distill::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// "/distill.v1.JobService/CreateJob" -> "CreateJob".
std::string NameFor(std::string_view path, const CallWatchFactory::Paths& served) {
  if (served.find(path) != served.end()) return std::string(path.substr(path.rfind('/') + 1));
  return IsHealthMethod(path) || IsReflectionMethod(path) ? "other" : "unknown";
}

class CallWatch final : public grpc::experimental::Interceptor {
 public:
  CallWatch(RpcObserver& observer, const ServerRpcInfo& info, const CallWatchFactory::Paths& served)
      : observer_(observer),
        method_(NameFor(info.method(), served)),
        is_stream_(info.type() != ServerRpcInfo::Type::UNARY) {}

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const auto code = static_cast<Code>(methods->GetSendStatus().error_code());
      observer_.OnCall({method_, is_stream_, code, std::chrono::steady_clock::now() - arrived_});
    }
    methods->Proceed();
  }

 private:
  RpcObserver& observer_;
  const std::string method_;
  const bool is_stream_;
  const std::chrono::steady_clock::time_point arrived_ = std::chrono::steady_clock::now();
};

}  // namespace

grpc::experimental::Interceptor* CallWatchFactory::CreateServerInterceptor(ServerRpcInfo* info) {
  return new CallWatch(observer_, *info, served_);  // gRPC owns it
}

}  // namespace distill::server
