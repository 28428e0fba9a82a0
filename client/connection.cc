#include "client/connection.h"

#include <random>

namespace distill::client {
namespace {

constexpr std::chrono::milliseconds kLongestBackoff{2000};
constexpr double kJitter = 0.2;

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Despite its name the time that one attempt to connect may take: a busy machine needs some.
  // A connection that is refused fails at once all the same.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // Finds a dead peer under a silent stream; only while a call is open.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Repetition is ours: JobClient knows what is safe.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return arguments;
}

}  // namespace

std::chrono::milliseconds Backoff(const JobClientOptions& options, int attempt) {
  static thread_local std::minstd_rand generator{std::random_device{}()};
  const auto doubled = options.first_backoff * (int64_t{1} << std::min(attempt, 10));
  const auto pause = std::min<std::chrono::milliseconds>(doubled, kLongestBackoff);
  std::uniform_real_distribution<double> factor(1 - kJitter, 1 + kJitter);
  return std::chrono::milliseconds(
      static_cast<int64_t>(static_cast<double>(pause.count()) * factor(generator)));
}

JobClient::Connection::Connection(const JobClientOptions& options)
    : options_(options),
      channel_(grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(),
                                         ChannelArguments())),
      jobs_(v1::JobService::NewStub(channel_)),
      datasets_(v1::DatasetService::NewStub(channel_)),
      server_(v1::ServerService::NewStub(channel_)) {}

void JobClient::Connection::Prepare(grpc::ClientContext& context) const {
  if (!options_.user.empty()) context.AddMetadata("distill-user", options_.user);
}

}  // namespace distill::client
