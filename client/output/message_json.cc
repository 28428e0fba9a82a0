#include "client/output/message_json.h"

#include <google/protobuf/util/json_util.h>

namespace distill::client {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Only messages with an Any of an unknown type cannot be printed; ours have none.
  if (!status.ok()) return "{}\n";
  return json;
}

}  // namespace distill::client
