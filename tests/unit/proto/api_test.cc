// Clients of the last version go on working: what is written in released_api.txt is in the API
// still, with the same numbers and types. New things are not listed until they are released.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "distill/v1/dataset_service.pb.h"
#include "distill/v1/job_service.pb.h"
#include "distill/v1/server_service.pb.h"
#include "distill/v1/user_service.pb.h"

namespace distill {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

std::string TypeOf(const FieldDescriptor& field) {
  std::string type = field.type_name();
  if (field.message_type() != nullptr) type = field.message_type()->full_name();
  if (field.enum_type() != nullptr) type = field.enum_type()->full_name();
  return (field.is_repeated() ? "repeated " : "") + type;
}

void ListEnum(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert(type.full_name() + " " + type.value(i)->name() + " = " +
                 std::to_string(type.value(i)->number()));
  }
}

void ListMessage(const Descriptor& message, std::set<std::string>& lines) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    lines.insert(message.full_name() + " " + TypeOf(field) + " " + field.name() + " = " +
                 std::to_string(field.number()));
  }
  for (int i = 0; i < message.nested_type_count(); ++i) {
    ListMessage(*message.nested_type(i), lines);
  }
  for (int i = 0; i < message.enum_type_count(); ++i) ListEnum(*message.enum_type(i), lines);
}

void ListMethod(const MethodDescriptor& method, std::set<std::string>& lines) {
  lines.insert(method.full_name() + "(" + method.input_type()->full_name() + ") -> " +
               (method.server_streaming() ? "stream " : "") + method.output_type()->full_name());
}

void ListFile(const FileDescriptor& file, std::set<std::string>& lines) {
  for (int i = 0; i < file.message_type_count(); ++i) ListMessage(*file.message_type(i), lines);
  for (int i = 0; i < file.enum_type_count(); ++i) ListEnum(*file.enum_type(i), lines);
  for (int i = 0; i < file.service_count(); ++i) {
    for (int k = 0; k < file.service(i)->method_count(); ++k) {
      ListMethod(*file.service(i)->method(k), lines);
    }
  }
  for (int i = 0; i < file.dependency_count(); ++i) {
    if (file.dependency(i)->package() == file.package()) ListFile(*file.dependency(i), lines);
  }
}

TEST(ApiTest, KeepsEveryFieldEnumValueAndMethodThatWasReleased) {
  std::set<std::string> api;
  for (const FileDescriptor* file :
       {v1::ListDatasetsRequest::descriptor()->file(), v1::ListJobsRequest::descriptor()->file(),
        v1::ServerInfo::descriptor()->file(), v1::WhoAmIResponse::descriptor()->file()}) {
    ListFile(*file, api);
  }

  std::ifstream released(DISTILL_RELEASED_API);
  int num_lines = 0;
  for (std::string line; std::getline(released, line); ++num_lines) {
    EXPECT_EQ(api.count(line), 1U) << "gone, or changed: " << line;
  }

  EXPECT_GT(num_lines, 100) << "what the API is: " << [&] {
    std::string text;
    for (const std::string& line : api) text += "\n" + line;
    return text;
  }();
}

}  // namespace
}  // namespace distill
