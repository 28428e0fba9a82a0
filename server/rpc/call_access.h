#pragma once

#include <grpcpp/server_context.h>

#include <string>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/access/access_gate.h"
#include "server/access/audit_log.h"
#include "server/access/method_rules.h"
#include "server/job/job_store.h"
#include "server/rpc/rpc_guard.h"

namespace distill::server {

/// The metadata by which a handler tells the AccessNet that it let its call in; never sent.
inline constexpr char kAdmittedMark[] = "distill-admitted";

/// Reads who calls from a call's metadata.
Credentials CredentialsOf(const grpc::ServerContextBase& context);

/// A call that was let in: who calls, and what that caller may see and change. Owned by one thread.
class AdmittedCall {
 public:
  const Caller& caller() const { return caller_; }
  /// The caller as an actor of job events: "user NAME".
  std::string actor() const { return "user " + caller_.name; }
  /// Whether the caller sees own jobs only.
  bool sees_only_own_jobs() const { return gate_->hides_jobs_from(caller_); }
  bool MaySeeJob(const std::string& owner) const { return gate_->MaySeeJob(caller_, owner); }

  /// Returns the id of the job that `reference` names, if the rule of the method allows the caller
  /// that job. Blocks on the store. kPermissionDenied: it does not; where jobs are private, a job
  /// that is not there gives the very same answer. Otherwise as server/spec/job_reference.h.
  Result<JobId> FindJob(JobStore& store, const std::string& reference) const;

  /// kPermissionDenied: what `owner` owns is not the caller's to change. `what` is for the message.
  Status CheckMayChange(const std::string& owner, const std::string& what) const;

  /// Names what the call is about, for the audit trail.
  void set_target(std::string target) { target_ = std::move(target); }
  /// The call changes nothing after all: it is no action, and not in the audit trail.
  void set_changes_nothing() { changes_nothing_ = true; }

 private:
  friend class CallAccess;

  const AccessGate* gate_ = nullptr;
  Rule rule_ = Rule::kAnyUser;
  Caller caller_;
  bool is_admitted_ = false;
  bool changes_nothing_ = false;
  std::string target_;
};

/// The door of every method of distill.v1: no handler knows its caller but through Run(). What goes
/// around it, the AccessNet catches. Thread-safe.
class CallAccess {
 public:
  /// All must outlive this object.
  CallAccess(const AccessGate& gate, AuditLog& audit, const Clock& clock)
      : gate_(gate), audit_(audit), clock_(clock) {}

  /// Lets the call of `method` (its bare name: pass __func__) in and runs `body(AdmittedCall&)`,
  /// which returns a Status; what escapes it becomes kInternal. Refusals and actions go into the
  /// audit trail, with `target` unless `body` names a better one. Blocks on the store.
  /// kUnauthenticated: see AccessGate::Identify. kPermissionDenied: nobody may call this method.
  template <typename Body>
  Status Run(grpc::ServerContextBase& context, std::string_view method, const std::string& target,
             Body&& body) const {
    AdmittedCall call;
    call.set_target(target);
    Status status = CallGuarded([&]() -> Status {
      DISTILL_RETURN_IF_ERROR(Admit(context, method, call));
      return std::forward<Body>(body)(call);
    });
    Note(context, method, call, status);
    return status;
  }

  /// Says whether a stream that was let in as `call`, to see a job of `owner`, may go on. Blocks on
  /// the store; where that cannot be asked, the stream goes on. kUnauthenticated,
  /// kPermissionDenied: it may not, which is noted in the trail. kUnavailable: the caller sees more
  /// or less than before, or is somebody else by now: the call must be made again.
  Status AskAgain(const grpc::ServerContextBase& context, std::string_view method,
                  const AdmittedCall& call, const std::string& owner) const;

  /// Refuses a call that does not come to Run(): returns `why`, or, where the caller may not come
  /// in at all, what any method answers then (see AccessGate::Identify). Notes it. Blocks on the
  /// store.
  Status Refuse(const grpc::ServerContextBase& context, std::string_view method,
                const Status& why) const;

  /// Notes that a call was refused which did not come to Run(). Blocks on the store, which is asked
  /// who calls.
  void NoteRefusal(const grpc::ServerContextBase& context, std::string_view method,
                   const Status& status) const;
  /// The same without asking who calls. Does not block.
  void NoteUnasked(const grpc::ServerContextBase& context, std::string_view method,
                   const Status& status) const;

  const AccessGate& gate() const { return gate_; }

 private:
  Status Admit(grpc::ServerContextBase& context, std::string_view method, AdmittedCall& call) const;
  void Note(const grpc::ServerContextBase& context, std::string_view method,
            const AdmittedCall& call, const Status& status) const;
  void NoteFailure(const grpc::ServerContextBase& context, std::string_view method,
                   const Status& status, const Caller& caller) const;

  const AccessGate& gate_;
  AuditLog& audit_;
  const Clock& clock_;
};

}  // namespace distill::server
