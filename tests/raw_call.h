#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace distill::testing {

/// Calls a method by its path ("/distill.v1.JobService/GetJob"), whatever its messages are, with
/// the bytes of a request, and reads at most one answer into `response`. A stream of answers is
/// broken off then: CANCELLED.
grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                     std::unique_ptr<grpc::ClientContext> context, const std::string& path,
                     const std::vector<grpc::Slice>& request, std::string& response);

}  // namespace distill::testing
