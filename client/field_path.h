#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace distill::client {

/// Sets the field of `message` at `path` ("train.optimizer.learning_rate", "labels.owner",
/// "train.distillation.terms.0.weight") from text. A list of plain values is given whole, separated
/// by commas. Enumerations as in ParseEnum.
/// kInvalidArgument: no such field, or a value that does not fit; `message` may be changed in part.
Status SetField(google::protobuf::Message& message, std::string_view path, std::string_view value);

/// Sets `field` of `message` from text; adds to it when the field is repeated.
/// REQUIRES: `field` is not a message. kInvalidArgument: the value does not fit; nothing changed.
Status SetPlainField(google::protobuf::Message& message,
                     const google::protobuf::FieldDescriptor& field, std::string_view value);

/// Sets the entry `key` of a string-to-string map. REQUIRES: `field` is such a map.
void SetMapEntry(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                 const std::string& key, const std::string& value);

/// Returns the names of the fields of `message`'s type, separated by ", ".
std::string FieldNames(const google::protobuf::Message& message);

}  // namespace distill::client
