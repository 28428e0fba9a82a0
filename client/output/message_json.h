#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace distill::client {

/// Returns the proto3 JSON form of `message`, with the field names of the .proto files, indented,
/// with a line break at the end.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace distill::client
