#include "server/rpc/rpc_guard.h"

#include "google/rpc/error_details.pb.h"

namespace distill::server {
namespace {

constexpr size_t kMaxMessageBytes = 1024;
constexpr size_t kMaxValueBytes = 200;
// Details travel base64-coded beside the message; clients take 8 KiB of headers by default.
constexpr size_t kMaxDetailBytes = 4096;
constexpr char kDomain[] = "distilld";

// Cuts `text` to at most `max_bytes`, between characters of UTF-8.
std::string Cut(const std::string& text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

std::string_view DefaultReason(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "INVALID_REQUEST";
    case Code::kNotFound:
      return "NOT_FOUND";
    case Code::kAlreadyExists:
      return "NAME_TAKEN";
    case Code::kFailedPrecondition:
      return "WRONG_STATE";
    case Code::kResourceExhausted:
      return "LIMIT_REACHED";
    case Code::kUnavailable:
      return "TRY_AGAIN";
    case Code::kUnauthenticated:
      return "TOKEN_REFUSED";
    case Code::kPermissionDenied:
      return "NOT_ALLOWED";
    case Code::kDataLoss:
      return "DATA_DAMAGED";
    default:
      return CodeName(code);
  }
}

std::string Describe(const FieldViolation& violation) {
  if (violation.value.empty()) return violation.remedy;
  return Cut(violation.value, kMaxValueBytes) + ": " + violation.remedy;
}

google::rpc::Status MakeDetails(const Status& status, std::string_view reason) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Cut(status.message(), kMaxMessageBytes));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason.empty() ? DefaultReason(status.code()) : reason));
  info.set_domain(kDomain);
  details.add_details()->PackFrom(info);
  return details;
}

grpc::Status Pack(const google::rpc::Status& details) {
  return {static_cast<grpc::StatusCode>(details.code()), details.message(),
          details.SerializeAsString()};
}

}  // namespace

grpc::Status ToGrpc(const Status& status, std::string_view reason) {
  if (status.ok()) return grpc::Status::OK;
  return Pack(MakeDetails(status, reason));
}

grpc::Status ToGrpc(const std::vector<FieldViolation>& violations) {
  const size_t count = violations.size();
  google::rpc::Status details =
      MakeDetails({Code::kInvalidArgument,
                   count == 1 ? "one field is wrong" : std::to_string(count) + " fields are wrong"},
                  {});
  google::rpc::BadRequest bad_request;
  for (size_t i = 0; i < count; ++i) {
    auto* entry = bad_request.add_field_violations();
    entry->set_field(Cut(violations[i].field, kMaxValueBytes));
    entry->set_description(Describe(violations[i]));
    if (bad_request.ByteSizeLong() <= kMaxDetailBytes) continue;
    entry->set_field("");
    entry->set_description("and " + std::to_string(count - i) + " more");
    break;
  }
  details.add_details()->PackFrom(bad_request);
  return Pack(details);
}

}  // namespace distill::server
