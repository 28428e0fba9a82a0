#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <tuple>

#include "client/job_client.h"
#include "client/rpc_error.h"
#include "distill/v1/dataset_service.grpc.pb.h"
#include "distill/v1/job_service.grpc.pb.h"
#include "distill/v1/server_service.grpc.pb.h"
#include "distill/v1/user_service.grpc.pb.h"

namespace distill::client {

/// Whether a call may be repeated when it is not known if the server has seen it.
enum class Repeat { kNever, kWhenUnavailable };

/// Returns how long to wait before repetition number `attempt` (from 0), with 20 % of jitter.
std::chrono::milliseconds Backoff(const JobClientOptions& options, int attempt);

/// The channel to a server and its stubs. Thread-safe.
class JobClient::Connection {
 public:
  explicit Connection(const JobClientOptions& options);

  /// Puts the caller's name and token into a call.
  void Prepare(grpc::ClientContext& context) const;

  /// Calls one unary method with deadline and repetition: pass kNever for one that would do its
  /// work twice.
  template <typename Stub, typename Request, typename Response>
  Result<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const Request& request, Repeat repeat = Repeat::kWhenUnavailable) const {
    const auto deadline = std::chrono::system_clock::now() + options_.call_timeout;
    for (int attempt = 0;; ++attempt) {
      grpc::ClientContext context;
      Prepare(context);
      context.set_deadline(deadline);
      Response response;
      const grpc::Status status = (StubOf<Stub>().*method)(&context, request, &response);
      if (status.ok()) return response;
      const bool may_repeat = repeat == Repeat::kWhenUnavailable &&
                              status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                              attempt + 1 < options_.max_attempts;
      const auto pause = Backoff(options_, attempt);
      if (!may_repeat || std::chrono::system_clock::now() + pause > deadline) {
        return FromGrpc(status, options_.access.server, options_.access.uses_tls());
      }
      std::this_thread::sleep_for(pause);
    }
  }

  /// The same for a method whose request is a job.
  template <typename Stub, typename Request, typename Response>
  Result<Response> CallFor(const std::string& job,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                        Response*),
                           Repeat repeat = Repeat::kWhenUnavailable) const {
    Request request;
    request.set_job(job);
    return Call(method, request, repeat);
  }

  /// Reads one stream to its end. `on_message` returns false to leave early.
  template <typename Stub, typename Request, typename Response, typename OnMessage>
  Status Read(std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                            const Request&),
              const Request& request, const StreamLimits& limits, OnMessage on_message) const {
    grpc::ClientContext context;
    Prepare(context);
    if (limits.deadline) {
      context.set_deadline(std::chrono::system_clock::now() +
                           (*limits.deadline - std::chrono::steady_clock::now()));
    }
    std::unique_ptr<Cancellation::Registration> registration;
    if (limits.cancellation != nullptr) {
      registration = std::make_unique<Cancellation::Registration>(
          *limits.cancellation, [&context] { context.TryCancel(); });
    }
    const auto reader = (StubOf<Stub>().*method)(&context, request);
    bool has_left = false;
    Response response;
    while (!has_left && reader->Read(&response)) has_left = !on_message(response);
    if (has_left) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (has_left) return Status();
    // A server that goes down cancels the calls that it has not looked at.
    const bool is_ours = limits.cancellation != nullptr && limits.cancellation->is_cancelled();
    if (status.error_code() == grpc::StatusCode::CANCELLED && !is_ours) {
      return Status(Code::kUnavailable, "the server broke off the call: " + options_.access.server);
    }
    return FromGrpc(status, options_.access.server, options_.access.uses_tls());
  }

 private:
  template <typename Stub>
  Stub& StubOf() const {
    return *std::get<std::unique_ptr<Stub>>(stubs_);
  }

  const JobClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::tuple<std::unique_ptr<v1::JobService::Stub>, std::unique_ptr<v1::DatasetService::Stub>,
                   std::unique_ptr<v1::ServerService::Stub>, std::unique_ptr<v1::UserService::Stub>>
      stubs_;
};

}  // namespace distill::client
