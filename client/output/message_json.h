#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace distill::client {

/// Returns the proto3 JSON form of `message`, with the field names of the .proto files, indented,
/// with a line break at the end. For programs: empty lists, zeros and empty texts are there too,
/// but optional fields and messages that are not set; the keys of maps are in order.
std::string ToJson(const google::protobuf::Message& message);

/// The same in one line, for a stream of documents.
std::string ToJsonLine(const google::protobuf::Message& message);

/// For people: as ToJson, with what is set only.
std::string ToShortJson(const google::protobuf::Message& message);

/// Returns one object with the fields of `left`, then those of `right`. Both are of ToJson() and
/// have fields.
std::string JoinedJson(const std::string& left, const std::string& right);

}  // namespace distill::client
