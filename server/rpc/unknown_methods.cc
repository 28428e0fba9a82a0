#include "server/rpc/unknown_methods.h"

#include <algorithm>

#include "server/rpc/rpc_guard.h"

namespace distill::server {
namespace {

constexpr size_t kMaxNameBytes = 120;

// A call that is only ever finished, and never read.
class UnreadCall final : public grpc::ServerGenericBidiReactor {
 public:
  void OnDone() override { delete this; }
};

Status HasNoMethod(const std::string& name) {
  return {Code::kUnimplemented,
          "this server has no method " + name +
              ": client and server are of different versions, or the client is meant for another "
              "server; `distillctl version` tells both versions: bring the older one up to date"};
}

}  // namespace

std::string NameOfUnknown(std::string_view path) {
  constexpr std::string_view kCut = "...";
  const bool is_cut = path.size() > kMaxNameBytes;
  std::string name(is_cut ? path.substr(0, kMaxNameBytes - kCut.size()) : path);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  if (is_cut) name += kCut;
  return name;
}

grpc::ServerGenericBidiReactor* UnknownMethods::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  auto* call = new UnreadCall;  // lives until OnDone, which comes after Finish
  const std::string name = NameOfUnknown(context->method());
  if (++num_waiting_ > max_waiting_) {
    --num_waiting_;
    const Status busy(Code::kResourceExhausted,
                      "too many calls of methods that this server does not have: " + name);
    access_.NoteUnasked(*context, name, busy);
    call->Finish(ToGrpc(busy));
    return call;
  }
  pool_.Run([this, context, call, name] {
    const Status status = access_.Refuse(*context, name, HasNoMethod(name));
    --num_waiting_;
    call->Finish(ToGrpc(status));
  });
  return call;
}

}  // namespace distill::server
