#include "server/rpc/caller.h"

#include "server/spec/name_rules.h"

namespace distill::server {

std::string CallerOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto entry = metadata.find("distill-user");
  if (entry == metadata.end()) return "anonymous";
  const std::string name(entry->second.data(), entry->second.size());
  return IsName(name) ? name : "anonymous";
}

}  // namespace distill::server
