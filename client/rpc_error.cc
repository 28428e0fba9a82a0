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

}  // namespace

Status FromGrpc(const grpc::Status& status, const std::string& server) {
  if (status.ok()) return {};
  const auto code = static_cast<Code>(status.error_code());
  std::string message = status.error_message();
  if (message.empty()) message = CodeName(code);
  if (code == Code::kUnavailable) message = "cannot reach distilld at " + server + ": " + message;
  if (code == Code::kDeadlineExceeded) message = "no answer from " + server + " in time";
  return {code, message + ViolationLines(status.error_details())};
}

}  // namespace distill::client
