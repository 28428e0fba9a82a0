#pragma once

#include <string>

#include "core/base/status.h"

namespace grpc {
class Status;
}

namespace distill::client {

/// Translates what gRPC gave. Field violations of the error's google.rpc.BadRequest follow the
/// message, one indented line each: "\n  train.epochs: must be at least 1". A connection that broke
/// at its start may have met the other kind of server: the message says how to speak TLS, or plain
/// text where the connection `uses_tls`.
Status FromGrpc(const grpc::Status& status, const std::string& server, bool uses_tls = false);

}  // namespace distill::client
