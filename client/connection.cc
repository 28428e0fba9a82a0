#include "client/connection.h"

#include <random>

namespace distill::client {
namespace {

constexpr std::chrono::milliseconds kLongestBackoff{2000};
constexpr double kJitter = 0.2;

grpc::ChannelArguments ChannelArguments(const ServerAccess& access) {
  grpc::ChannelArguments arguments;
  // A token in plain text goes to this machine only (CheckTokenIsSafe), not to the proxy that
  // http_proxy names.
  if (!access.uses_tls()) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
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

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials(const ServerAccess& access) {
  if (!access.uses_tls()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = access.ca;
  options.pem_cert_chain = access.client_certificate;
  options.pem_private_key = access.client_key;
  return grpc::SslCredentials(options);
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
      channel_(grpc::CreateCustomChannel(options.access.server, ChannelCredentials(options.access),
                                         ChannelArguments(options.access))),
      stubs_(v1::JobService::NewStub(channel_), v1::DatasetService::NewStub(channel_),
             v1::ServerService::NewStub(channel_), v1::UserService::NewStub(channel_)) {}

void JobClient::Connection::Prepare(grpc::ClientContext& context) const {
  if (!options_.user.empty()) context.AddMetadata("distill-user", options_.user);
  // Not as gRPC's own call credentials, which drop it silently on a plain connection to loopback;
  // that it goes nowhere else in plain text, CheckTokenIsSafe has seen to.
  const std::string& token = options_.access.token;
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

}  // namespace distill::client
