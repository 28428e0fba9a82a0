#include "client/output/message_json.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <memory>

namespace distill::client {
namespace {

using google::protobuf::util::JsonPrintOptions;

constexpr char kUrlPrefix[] = "type.googleapis.com";

// The library prints maps in the order of the bytes: of these, sorted.
std::string DeterministicBytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string Json(const google::protobuf::Message& message, JsonPrintOptions options) {
  options.preserve_proto_field_names = true;
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  const std::unique_ptr<google::protobuf::util::TypeResolver> resolver(
      google::protobuf::util::NewTypeResolverForDescriptorPool(kUrlPrefix, type.file()->pool()));
  std::string json;
  const auto status = google::protobuf::util::BinaryToJsonString(
      resolver.get(), std::string(kUrlPrefix) + "/" + type.full_name(), DeterministicBytes(message),
      &json, options);
  // Only messages with an Any of an unknown type cannot be printed; ours have none.
  return status.ok() ? json : "{}";
}

JsonPrintOptions Options(bool is_indented, bool is_whole) {
  JsonPrintOptions options;
  options.add_whitespace = is_indented;
  options.always_print_primitive_fields = is_whole;
  return options;
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  return Json(message, Options(/*is_indented=*/true, /*is_whole=*/true));
}

std::string ToJsonLine(const google::protobuf::Message& message) {
  return Json(message, Options(/*is_indented=*/false, /*is_whole=*/true)) + "\n";
}

std::string ToShortJson(const google::protobuf::Message& message) {
  return Json(message, Options(/*is_indented=*/true, /*is_whole=*/false));
}

std::string JoinedJson(const std::string& left, const std::string& right) {
  return left.substr(0, left.rfind("\n}")) + ",\n" + right.substr(right.find('\n') + 1);
}

}  // namespace distill::client
