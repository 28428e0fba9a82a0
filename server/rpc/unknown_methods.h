#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include <atomic>
#include <string>
#include <string_view>

#include "server/rpc/call_access.h"
#include "server/rpc/task_pool.h"

namespace distill::server {

/// Returns the path of a call, which may hold anything, as answers and the audit trail name it:
/// of at most 120 bytes, all of them printable ASCII. Pure.
std::string NameOfUnknown(std::string_view path);

/// Answers the calls of methods that the server does not have, and reads no request: a caller who
/// may not come in gets what any method answers, others UNIMPLEMENTED. Each is in the audit trail.
/// Thread-safe; does not block.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  /// Both must outlive the server. Of calls, `max_waiting` at most wait for `pool` at a time; more
  /// get RESOURCE_EXHAUSTED, and nobody is asked whose they are.
  UnknownMethods(const CallAccess& access, TaskPool& pool, int max_waiting = 500)
      : access_(access), pool_(pool), max_waiting_(max_waiting) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  const CallAccess& access_;
  TaskPool& pool_;
  const int max_waiting_;
  std::atomic<int> num_waiting_{0};
};

}  // namespace distill::server
