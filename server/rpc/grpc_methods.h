#pragma once

#include <string_view>

namespace distill::server {

/// The methods that gRPC serves beside ours, by the paths of their calls. Pure.
inline bool IsHealthMethod(std::string_view path) {
  return path == "/grpc.health.v1.Health/Check" || path == "/grpc.health.v1.Health/Watch";
}
inline bool IsReflectionMethod(std::string_view path) {
  return path == "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
}

}  // namespace distill::server
