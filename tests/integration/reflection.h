#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace distill::server {

/// Returns the full names of the services of distill.v1 that a server tells by reflection.
std::vector<std::string> ReflectedServices(const std::shared_ptr<grpc::Channel>& channel,
                                           std::unique_ptr<grpc::ClientContext> context,
                                           grpc::Status& status);

/// Returns the bare names of a service's methods, as this program's descriptors know them.
std::vector<std::string> MethodsOf(const std::string& service);

}  // namespace distill::server
