#include "client/rpc_error.h"

#include <grpcpp/support/status.h>

#include <string>

#include "google/rpc/error_details.pb.h"

namespace distill::client {
namespace {

// Returns the violations that `details` (a serialised google.rpc.Status) carries, one line each.
std::string ViolationLines(const std::string& details) {
  google::rpc::Status error;
  std::string lines;
  if (details.empty() || !error.ParseFromString(details)) return lines;
  for (const auto& detail : error.details()) {
    google::rpc::BadRequest bad_request;
    if (!detail.Is<google::rpc::BadRequest>() || !detail.UnpackTo(&bad_request)) continue;
    for (const auto& violation : bad_request.field_violations()) {
      lines += "\n  " + violation.field() + ": " + violation.description();
    }
  }
  return lines;
}

// Returns what may be behind an answer that is none of distilld's in this kind of connection.
std::string KindHint(const std::string& message, bool uses_tls) {
  const auto has = [&](const char* text) { return message.find(text) != std::string::npos; };
  if (uses_tls) {
    return has("wrong version number") || has("WRONG_VERSION_NUMBER")
               ? "; if it speaks plain text, leave --ca out"
               : "";
  }
  const bool is_broken =
      has("Socket closed") || has("Connection reset by peer") || has("Broken pipe");
  return is_broken ? "; if it speaks TLS, name the authority of its certificate: --ca FILE" : "";
}

}  // namespace

Status FromGrpc(const grpc::Status& status, const std::string& server, bool uses_tls) {
  if (status.ok()) return {};
  const auto code = static_cast<Code>(status.error_code());
  std::string message = status.error_message();
  if (message.empty()) message = CodeName(code);
  if (code == Code::kUnavailable) {
    message = "cannot reach distilld at " + server + ": " + message + KindHint(message, uses_tls);
  }
  if (code == Code::kDeadlineExceeded) message = "no answer from " + server + " in time";
  return {code, message + ViolationLines(status.error_details())};
}

}  // namespace distill::client
