#include "server/rpc/call_watch.h"

#include <string>

namespace distill::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// "/distill.v1.JobService/CreateJob" -> "CreateJob".
std::string MethodName(const char* path) {
  constexpr std::string_view kOurs = "/distill.v1.";
  const std::string_view text(path);
  const size_t slash = text.rfind('/');
  const bool is_ours = text.substr(0, kOurs.size()) == kOurs && slash > 0;
  return is_ours ? std::string(text.substr(slash + 1)) : "other";
}

class CallWatch final : public grpc::experimental::Interceptor {
 public:
  CallWatch(RpcObserver& observer, const ServerRpcInfo& info)
      : observer_(observer),
        method_(MethodName(info.method())),
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
  return new CallWatch(observer_, *info);  // gRPC owns it
}

}  // namespace distill::server
