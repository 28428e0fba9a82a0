#include "tests/raw_call.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>

namespace distill::testing {
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
                     const std::vector<grpc::Slice>& request, std::string& response) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(context.get(), path, &queue);
  stream->StartCall(nullptr);
  if (Await(queue)) {
    stream->WriteLast(grpc::ByteBuffer(request.data(), request.size()), grpc::WriteOptions(),
                      nullptr);
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

}  // namespace distill::testing
