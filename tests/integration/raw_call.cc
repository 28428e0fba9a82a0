#include "tests/integration/raw_call.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <re2/re2.h>

#include <set>

namespace distill::server {
namespace {

// Waits for the operation under way; returns whether it went well.
bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool is_ok = false;
  return queue.Next(&tag, &is_ok) && is_ok;
}

bool IsStream(const std::string& path) {
  std::string name = path.substr(1);
  name[name.rfind('/')] = '.';
  const google::protobuf::MethodDescriptor* method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method != nullptr) return method->server_streaming();
  return path.find("Reflection") != std::string::npos;
}

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& part : slices) text.append(part.begin(), part.end());
  return text;
}

}  // namespace

grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                     std::unique_ptr<grpc::ClientContext> context, const std::string& path,
                     const std::string& request, std::string& response) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(context.get(), path, &queue);
  stream->StartCall(nullptr);
  if (Await(queue)) {
    const grpc::Slice slice(request);
    stream->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    Await(queue);
    grpc::ByteBuffer received;
    stream->Read(&received, nullptr);
    if (Await(queue)) {
      response = TextOf(received);
      if (IsStream(path)) context->TryCancel();
    }
  }
  grpc::Status status;
  stream->Finish(&status, nullptr);
  Await(queue);
  return status;
}

std::vector<std::string> ReflectedServices(const std::shared_ptr<grpc::Channel>& channel,
                                           std::unique_ptr<grpc::ClientContext> context,
                                           grpc::Status& status) {
  std::string response;
  // ServerReflectionRequest{list_services = 7: "*"}.
  status = CallRaw(channel, std::move(context),
                   "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "\x3a\x01*",
                   response);
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
