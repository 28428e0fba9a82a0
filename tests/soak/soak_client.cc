#include "tests/soak/soak_client.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "core/base/durable_file.h"
#include "tests/crash/crash_lab.h"

namespace distill::testing {
namespace {

constexpr std::chrono::seconds kDeadline{30};

std::unique_ptr<grpc::ClientContext> Context(const std::string& user) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kDeadline);
  context->AddMetadata("distill-user", user);
  return context;
}

FileDescriptor Connect(const std::string& address) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) socket.Close();
  return socket;
}

void Idle(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

}  // namespace

SoakClient::SoakClient(const std::string& address, uint64_t number, SoakTally& tally)
    : address_(address),
      user_("user" + std::to_string(number % 10)),
      tally_(tally),
      random_(Random::For(1, number, 0)) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  jobs_ = v1::JobService::NewStub(channel_);
}

void SoakClient::Act() {
  // The common deeds stand more than once.
  static constexpr std::array kDeeds = {&SoakClient::Submit,
                                        &SoakClient::Submit,
                                        &SoakClient::Submit,
                                        &SoakClient::List,
                                        &SoakClient::List,
                                        &SoakClient::ReadMetrics,
                                        &SoakClient::ReadMetrics,
                                        &SoakClient::Cancel,
                                        &SoakClient::Cancel,
                                        &SoakClient::Delete,
                                        &SoakClient::Delete,
                                        &SoakClient::Delete,
                                        &SoakClient::WatchAndHangUp,
                                        &SoakClient::WatchWithoutReading,
                                        &SoakClient::SendNonsense,
                                        &SoakClient::FollowLogsAndHangUp,
                                        &SoakClient::ConnectAndSayNothing};
  (this->*kDeeds[random_.Below(kDeeds.size())])();
}

void SoakClient::Count(const grpc::Status& status) {
  ++tally_.calls;
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
    case grpc::StatusCode::NOT_FOUND:            // somebody deleted it
    case grpc::StatusCode::FAILED_PRECONDITION:  // it is in another state by now
    case grpc::StatusCode::RESOURCE_EXHAUSTED:   // a limit
    case grpc::StatusCode::CANCELLED:            // we hung up
    case grpc::StatusCode::PERMISSION_DENIED:    // somebody else's
    case grpc::StatusCode::INVALID_ARGUMENT:     // nonsense
      return;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      ++tally_.unanswered;
      return;
    default:
      ++tally_.unexpected;
  }
}

std::string SoakClient::SomeJob() {
  v1::ListJobsRequest request;
  request.set_page_size(20);
  v1::ListJobsResponse response;
  Count(jobs_->ListJobs(Context(user_).get(), request, &response));
  if (response.jobs().empty()) return "1";
  return response.jobs(static_cast<int>(random_.Below(static_cast<uint64_t>(response.jobs_size()))))
      .id();
}

void SoakClient::Submit() {
  v1::CreateJobRequest request;
  *request.mutable_job() = TrainRequest(user_);
  v1::Job job;
  Count(jobs_->CreateJob(Context(user_).get(), request, &job));
}

void SoakClient::Cancel() {
  v1::CancelJobRequest request;
  request.set_job(SomeJob());
  v1::Job job;
  Count(jobs_->CancelJob(Context(user_).get(), request, &job));
}

// Cancels first, so that the queue does not grow without end.
void SoakClient::Delete() {
  v1::CancelJobRequest cancel;
  cancel.set_job(SomeJob());
  v1::Job job;
  Count(jobs_->CancelJob(Context(user_).get(), cancel, &job));
  v1::DeleteJobRequest request;
  request.set_job(cancel.job());
  v1::DeleteJobResponse response;
  Count(jobs_->DeleteJob(Context(user_).get(), request, &response));
}

void SoakClient::List() {
  v1::ListJobsResponse response;
  Count(jobs_->ListJobs(Context(user_).get(), {}, &response));
}

void SoakClient::ReadMetrics() {
  v1::ListMetricsRequest request;
  request.set_job(SomeJob());
  v1::ListMetricsResponse response;
  Count(jobs_->ListMetrics(Context(user_).get(), request, &response));
}

void SoakClient::WatchAndHangUp() {
  v1::WatchJobRequest request;
  request.set_job(SomeJob());
  const auto context = Context(user_);
  const auto reader = jobs_->WatchJob(context.get(), request);
  v1::WatchJobResponse response;
  reader->Read(&response);
  context->TryCancel();
  ++tally_.streams;
  Count(reader->Finish());
}

void SoakClient::WatchWithoutReading() {
  v1::WatchJobRequest request;
  request.set_job(SomeJob());
  const auto context = Context(user_);
  const auto reader = jobs_->WatchJob(context.get(), request);
  Idle(200);
  context->TryCancel();
  ++tally_.streams;
  Count(reader->Finish());
}

void SoakClient::FollowLogsAndHangUp() {
  v1::TailLogsRequest request;
  request.set_job(SomeJob());
  request.set_follow(true);
  // A connection of its own that is dropped with the stream open.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = v1::JobService::NewStub(
      grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments));
  const auto context = Context(user_);
  const auto reader = stub->TailLogs(context.get(), request);
  Idle(20);
  context->TryCancel();
  ++tally_.streams;
  Count(reader->Finish());
}

void SoakClient::SendNonsense() {
  v1::CreateJobRequest request;
  v1::TrainJob& train = *request.mutable_job()->mutable_train();
  train.set_dataset(std::string(1000, 'x'));
  train.set_epochs(-1);
  v1::Job job;
  Count(jobs_->CreateJob(Context(user_).get(), request, &job));
}

void SoakClient::ConnectAndSayNothing() {
  const FileDescriptor socket = Connect(address_);
  if (!socket.is_open()) return;
  // Half of HTTP/2's greeting, at times.
  if (random_.Below(2) == 0) {
    static_cast<void>(::send(socket.get(), "PRI * HTTP/2.0\r\n", 16, MSG_NOSIGNAL));
  }
  Idle(100);
  ++tally_.half_open;
}

}  // namespace distill::testing
