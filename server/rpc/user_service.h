#pragma once

#include "distill/v1/user_service.pb.h"
#include "server/rpc/call_access.h"

namespace distill::server {

class MethodTable;

/// distill.v1.UserService. Thread-safe.
class UserServiceImpl final {
 public:
  /// `access` must outlive this object.
  explicit UserServiceImpl(const CallAccess& access) : access_(access) {}

  /// Adds all methods to `table`. This object must outlive the server.
  void AddTo(MethodTable& table);

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                      v1::WhoAmIResponse* response);

 private:
  const CallAccess& access_;
};

}  // namespace distill::server
