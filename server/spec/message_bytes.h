#pragma once

#include <google/protobuf/message_lite.h>

#include <string>

namespace distill::server {

/// Returns a message's bytes with its maps sorted: equal messages of one program give equal bytes,
/// which MessageLite::SerializeAsString does not promise. Thread-safe.
std::string StableBytes(const google::protobuf::MessageLite& message);

}  // namespace distill::server
