#include "server/rpc/user_service.h"

#include "server/rpc/method_table.h"
#include "server/rpc/rpc_guard.h"

namespace distill::server {

void UserServiceImpl::AddTo(MethodTable& table) {
  table.Add("WhoAmI", *this, &UserServiceImpl::WhoAmI);
}

grpc::Status UserServiceImpl::WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest*,
                                     v1::WhoAmIResponse* response) {
  return ToGrpc(access_.Run(*context, __func__, "", [&](const AdmittedCall& call) -> Status {
    const Caller& caller = call.caller();
    response->set_name(caller.name);
    response->set_role(caller.role == Role::kAdmin ? v1::ROLE_ADMIN : v1::ROLE_USER);
    response->set_is_verified(caller.is_verified);
    response->set_token_expires_at_unix_ms(caller.token_expires_at_unix_ms);
    response->set_sees_only_own_jobs(call.sees_only_own_jobs());
    return {};
  }));
}

}  // namespace distill::server
