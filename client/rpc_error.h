#pragma once

#include <string>

#include "core/base/status.h"

namespace grpc {
class Status;
}

namespace distill::client {

/// Translates what gRPC gave. Field violations of the error's google.rpc.BadRequest follow the
/// message, one indented line each: "\n  train.epochs: must be at least 1".
Status FromGrpc(const grpc::Status& status, const std::string& server);

}  // namespace distill::client
