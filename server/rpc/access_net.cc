#include "server/rpc/access_net.h"

#include <grpc/grpc.h>

#include <string>

#include "core/base/log.h"
#include "core/base/plain_text.h"

namespace distill::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

class AccessNet final : public grpc::experimental::Interceptor {
 public:
  AccessNet(const CallAccess& access, ServerRpcInfo& info)
      : access_(access), context_(*info.server_context()), path_(info.method()) {
    is_ours_ = StartsWith(path_, "/distill.v1.");
    is_open_ = StartsWith(path_, "/grpc.health.v1.Health/");
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    using Point = InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_INITIAL_METADATA)) CheckForeign();
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_INITIAL_METADATA)) {
      TakeMark(*methods->GetSendInitialMetadata());
    }
    const bool tells_something = methods->QueryInterceptionHookPoint(Point::PRE_SEND_MESSAGE) ||
                                 (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS) &&
                                  methods->GetSendStatus().ok());
    const bool has_not_asked = is_mislabelled_ || (tells_something && !is_admitted_);
    if (is_ours_ && has_not_asked && !is_ended_) {
      LogError("a method answers without asking who calls", {{"method", std::string(path_)}});
      End(GRPC_STATUS_INTERNAL, "the method does not ask who calls");
    }
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE)) {
      NoteUnreadable(methods->GetRecvMessage() != nullptr);
    }
    methods->Proceed();
  }

 private:
  // A service that is not ours cannot ask by itself.
  void CheckForeign() {
    if (is_ours_ || is_open_) return;
    const Result<Caller> caller = access_.gate().Identify(CredentialsOf(context_));
    if (caller.ok()) return;
    access_.NoteRefusal(context_, path_, caller.status());
    End(static_cast<grpc_status_code>(caller.status().code()), caller.status().message());
  }

  // gRPC turns such a call away before its handler could note that.
  void NoteUnreadable(bool is_readable) {
    if (is_readable || !is_ours_) return;
    access_.NoteRefusal(context_, path_.substr(path_.rfind('/') + 1),
                        {Code::kInvalidArgument, "the request is no message of this method"});
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
  grpc::ServerContextBase& context_;
  const std::string_view path_;  // lives as long as the call
  bool is_ours_ = false;
  bool is_open_ = false;
  bool is_admitted_ = false;
  bool is_ended_ = false;
  bool is_mislabelled_ = false;  // asked under another method's name
};

}  // namespace

grpc::experimental::Interceptor* AccessNetFactory::CreateServerInterceptor(ServerRpcInfo* info) {
  return new AccessNet(access_, *info);  // gRPC owns it
}

}  // namespace distill::server
