#include "tests/integration/reflection.h"

#include <google/protobuf/descriptor.h>
#include <re2/re2.h>

#include <set>

#include "tests/raw_call.h"

namespace distill::server {

std::vector<std::string> ReflectedServices(const std::shared_ptr<grpc::Channel>& channel,
                                           std::unique_ptr<grpc::ClientContext> context,
                                           grpc::Status& status) {
  std::string response;
  // ServerReflectionRequest{list_services = 7: "*"}.
  status = testing::CallRaw(channel, std::move(context),
                            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                            {grpc::Slice("\x3a\x01*")}, response);
  const RE2 name(R"((distill\.v1\.[A-Za-z]+Service))");
  std::set<std::string> names;
  re2::StringPiece rest(response);
  for (std::string found; RE2::FindAndConsume(&rest, name, &found);) names.insert(found);
  return {names.begin(), names.end()};
}

std::vector<std::string> MethodsOf(const std::string& service) {
  const google::protobuf::ServiceDescriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  std::vector<std::string> methods;
  if (descriptor == nullptr) return methods;
  for (int i = 0; i < descriptor->method_count(); ++i) {
    methods.push_back(descriptor->method(i)->name());
  }
  return methods;
}

}  // namespace distill::server
