#include "server/rpc/call_access.h"

#include <optional>

#include "server/spec/job_reference.h"
#include "server/spec/name_rules.h"

namespace distill::server {
namespace {

constexpr size_t kMaxNoteBytes = 300;

std::optional<std::string> Metadata(const grpc::ServerContextBase& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto entry = metadata.find(key);
  if (entry == metadata.end()) return std::nullopt;
  return std::string(entry->second.data(), entry->second.size());
}

// Because of who asks, or of a limit.
bool IsRefusal(const Status& status) {
  return status.code() == Code::kUnauthenticated || status.code() == Code::kPermissionDenied ||
         status.code() == Code::kResourceExhausted;
}

// What a client wrote may hold anything: what a terminal could take for an order is left out.
std::string Printable(std::string text) {
  if (text.size() > kMaxNoteBytes) text.resize(kMaxNoteBytes);
  std::string printable;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F are controls too, of two bytes.
    const bool is_c1 =
        byte >= 0x80U && byte <= 0x9FU && !printable.empty() && printable.back() == '\xc2';
    if (is_c1) printable.pop_back();
    printable += is_c1 || byte < 0x20U || byte == 0x7FU ? '?' : c;
  }
  return printable;
}

AuditRecord MakeRecord(const grpc::ServerContextBase& context, std::string_view method,
                       const Status& status, const Caller& caller, int64_t now_unix_ms) {
  AuditRecord record;
  record.at_unix_ms = now_unix_ms;
  record.user =
      caller.is_verified || caller.name.empty() ? caller.name : caller.name + " (unverified)";
  record.method = std::string(method);
  record.outcome = status.ok() ? "OK" : std::string(CodeName(status.code()));
  record.message = Printable(status.message());
  record.peer = context.peer();
  return record;
}

}  // namespace

Credentials CredentialsOf(const grpc::ServerContextBase& context) {
  Credentials credentials;
  credentials.authorization = Metadata(context, "authorization");
  const std::string name = Metadata(context, "distill-user").value_or("");
  credentials.claimed_name = IsName(name) ? name : "anonymous";
  return credentials;
}

Result<JobId> AdmittedCall::FindJob(JobStore& store, const std::string& reference) const {
  const bool hides = sees_only_own_jobs();
  const Status hidden(Code::kPermissionDenied,
                      "no job of yours: " + reference + " (on this server, jobs are private)");
  const Result<JobId> id = FindJobId(store, reference, caller_.name);
  if (!id.ok()) {
    const bool tells_existence = id.status().code() == Code::kNotFound && reference != "@last";
    return hides && tells_existence ? hidden : id.status();
  }
  if (rule_ == Rule::kSeeJob ? !hides : caller_.may_act_for_all()) return *id;
  DISTILL_ASSIGN_OR_RETURN(const JobRecord job, store.FindJob(*id));
  if (job.spec.owner == caller_.name) return *id;
  if (hides) return hidden;
  return Status(
      Code::kPermissionDenied,
      "only " + job.spec.owner + ", whose job it is, and admins may do this: " + reference);
}

Status AdmittedCall::CheckMayChange(const std::string& owner, const std::string& what) const {
  if (AccessGate::MayChange(caller_, owner)) return {};
  return {Code::kPermissionDenied,
          "only " + owner + ", whose it is, and admins may do this: " + what};
}

Status CallAccess::Admit(grpc::ServerContextBase& context, std::string_view method,
                         AdmittedCall& call) const {
  call.gate_ = &gate_;
  DISTILL_ASSIGN_OR_RETURN(call.caller_, gate_.Identify(CredentialsOf(context)));
  const std::optional<Rule> rule = RuleOf(method);
  if (!rule) {
    return {Code::kPermissionDenied, "nobody may call this method: " + std::string(method)};
  }
  call.rule_ = *rule;
  call.is_admitted_ = true;
  context.AddInitialMetadata(kAdmittedMark, std::string(method));
  return {};
}

Status CallAccess::AskAgain(const grpc::ServerContextBase& context, std::string_view method,
                            const AdmittedCall& call, const std::string& owner) const {
  const Result<Caller> caller = gate_.Identify(CredentialsOf(context));
  Status status = caller.status();
  if (caller.ok() && !gate_.MaySeeJob(*caller, owner)) {
    status = {Code::kPermissionDenied, "the job is not for you to see any more: your role changed"};
  }
  if (IsRefusal(status)) {
    Note(context, method, call, status);
    return status;
  }
  const bool is_as_before = caller.ok() && caller->name == call.caller_.name &&
                            gate_.hides_jobs_from(*caller) == call.sees_only_own_jobs();
  if (!caller.ok() || is_as_before) return {};
  return {Code::kUnavailable, "what you may see has changed: call again"};
}

void CallAccess::Note(const grpc::ServerContextBase& context, std::string_view method,
                      const AdmittedCall& call, const Status& status) const {
  const bool is_refusal = IsRefusal(status);
  const bool is_action = call.is_admitted_ && IsAction(call.rule_) && !call.changes_nothing_;
  if (!is_refusal && !is_action) return;
  AuditRecord record = MakeRecord(context, method, status, call.caller_, clock_.UnixMillis());
  record.target = Printable(call.target_);
  if (status.ok()) {
    audit_.RecordAction(record);
  } else {
    audit_.RecordFailure(record);
  }
}

Status CallAccess::Refuse(const grpc::ServerContextBase& context, std::string_view method,
                          const Status& why) const {
  return CallGuarded([&]() -> Status {
    const Result<Caller> caller = gate_.Identify(CredentialsOf(context));
    const Status& status = caller.ok() ? why : caller.status();
    NoteFailure(context, method, status, caller.ok() ? *caller : Caller());
    return status;
  });
}

void CallAccess::NoteRefusal(const grpc::ServerContextBase& context, std::string_view method,
                             const Status& status) const {
  const Result<Caller> caller = gate_.Identify(CredentialsOf(context));
  NoteFailure(context, method, status, caller.ok() ? *caller : Caller());
}

void CallAccess::NoteUnasked(const grpc::ServerContextBase& context, std::string_view method,
                             const Status& status) const {
  NoteFailure(context, method, status, Caller());
}

void CallAccess::NoteFailure(const grpc::ServerContextBase& context, std::string_view method,
                             const Status& status, const Caller& caller) const {
  audit_.RecordFailure(MakeRecord(context, method, status, caller, clock_.UnixMillis()));
}

}  // namespace distill::server
