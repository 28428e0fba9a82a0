#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace distill::server {

/// Returns who calls, by the metadata "distill-user"; "anonymous" where it is missing or no name.
/// Nobody is kept out by it: it only says whose jobs are whose on a machine of one user.
std::string CallerOf(const grpc::ServerContextBase& context);

}  // namespace distill::server
