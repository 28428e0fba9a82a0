#pragma once

#include "distill/v1/user_service.grpc.pb.h"
#include "server/rpc/call_access.h"

namespace distill::server {

/// distill.v1.UserService. Thread-safe.
class UserServiceImpl final : public v1::UserService::Service {
 public:
  /// `access` must outlive this object.
  explicit UserServiceImpl(const CallAccess& access) : access_(access) {}

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                      v1::WhoAmIResponse* response) override;

 private:
  const CallAccess& access_;
};

}  // namespace distill::server
