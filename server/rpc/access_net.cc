#include "server/rpc/access_net.h"

#include <grpc/grpc.h>
#include <grpcpp/impl/codegen/config_protobuf.h>

#include <string>

#include "core/base/log.h"
#include "core/base/plain_text.h"
#include "server/rpc/grpc_methods.h"
#include "server/rpc/guarded_method.h"

namespace distill::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

class AccessNet final : public grpc::experimental::Interceptor {
 public:
  AccessNet(const CallAccess& access, size_t max_request_bytes, ServerRpcInfo& info)
      : access_(access),
        max_request_bytes_(max_request_bytes),
        context_(*info.server_context()),
        path_(info.method()) {
    is_ours_ = StartsWith(path_, "/distill.v1.");
    is_open_ = IsHealthMethod(path_);
    is_reflection_ = IsReflectionMethod(path_);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    using Point = InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_INITIAL_METADATA)) CheckReflection();
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_INITIAL_METADATA)) {
      TakeMark(*methods->GetSendInitialMetadata());
    }
    const bool tells_something = methods->QueryInterceptionHookPoint(Point::PRE_SEND_MESSAGE) ||
                                 (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS) &&
                                  methods->GetSendStatus().ok());
    const bool has_not_asked = is_mislabelled_ || (tells_something && !is_admitted_);
    const bool must_ask = !is_open_ && !is_reflection_;
    if (must_ask && has_not_asked && !is_ended_) {
      LogError("a method answers without asking who calls", {{"method", std::string(path_)}});
      End(GRPC_STATUS_INTERNAL, "the method does not ask who calls");
    }
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE)) {
      LookAtRequest(methods->GetRecvMessage());
    }
    if (is_unserved_ && methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
      NoteUnserved(methods->GetSendStatus());
    }
    methods->Proceed();
  }

 private:
  // It cannot ask by itself.
  void CheckReflection() {
    if (!is_reflection_) return;
    const Result<Caller> caller = access_.gate().Identify(CredentialsOf(context_));
    if (!caller.ok()) RefuseReflection(caller.status());
  }

  void RefuseReflection(const Status& why) {
    access_.NoteRefusal(context_, path_, why);
    End(static_cast<grpc_status_code>(why.code()), why.message());
  }

  // Of a service of ours, a request that is not there was not let through, and the handler does not
  // run. Others are read without a GuardedMethod.
  void LookAtRequest(const void* request) {
    is_unserved_ = is_ours_ && request == nullptr;
    if (!is_reflection_ || is_ended_ || request == nullptr) return;
    const size_t size = static_cast<const grpc::protobuf::MessageLite*>(request)->ByteSizeLong();
    if (size > max_request_bytes_) RefuseReflection(TooLarge(size, max_request_bytes_));
  }

  void NoteUnserved(const grpc::Status& status) {
    access_.NoteRefusal(context_, path_.substr(path_.rfind('/') + 1),
                        {static_cast<Code>(status.error_code()), status.error_message()});
  }

  void TakeMark(std::multimap<std::string, std::string>& metadata) {
    const auto mark = metadata.find(kAdmittedMark);
    if (mark == metadata.end()) return;
    is_admitted_ = path_.substr(path_.rfind('/') + 1) == mark->second;
    is_mislabelled_ = !is_admitted_;
    metadata.erase(mark);
  }

  // Ends the call now, whatever its handler goes on to do.
  void End(grpc_status_code code, const std::string& message) {
    is_ended_ = true;
    grpc_call_cancel_with_status(context_.c_call(), code, message.c_str(), nullptr);
  }

  const CallAccess& access_;
  const size_t max_request_bytes_;
  grpc::ServerContextBase& context_;
  const std::string_view path_;  // lives as long as the call
  bool is_ours_ = false;
  bool is_open_ = false;
  bool is_reflection_ = false;
  bool is_admitted_ = false;
  bool is_ended_ = false;
  bool is_unserved_ = false;
  bool is_mislabelled_ = false;  // asked under another method's name
};

}  // namespace

grpc::experimental::Interceptor* AccessNetFactory::CreateServerInterceptor(ServerRpcInfo* info) {
  return new AccessNet(access_, max_request_bytes_, *info);  // gRPC owns it
}

}  // namespace distill::server
