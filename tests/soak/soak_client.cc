#include "tests/soak/soak_client.h"

#include <grpcpp/grpcpp.h>
#include <poll.h>

#include <array>

#include "tests/crash/crash_lab.h"
#include "tests/soak/half_handshake.h"

namespace distill::testing {
namespace {

constexpr std::chrono::seconds kDeadline{30};
constexpr size_t kHalfOpenOfEach = 4;
constexpr char kNoJob[] = "none-such";

std::unique_ptr<grpc::ClientContext> Context(const std::string& user) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kDeadline);
  context->AddMetadata("distill-user", user);
  return context;
}

void Idle(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

}  // namespace

SoakClient::SoakClient(const std::string& address,
                       const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                       uint64_t number, SoakTally& tally)
    : address_(address),
      credentials_(credentials),
      user_("user" + std::to_string(number % 10)),
      tally_(tally),
      random_(Random::For(1, number, 0)) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(address, credentials, arguments);
  jobs_ = v1::JobService::NewStub(channel_);
}

void SoakClient::Act() {
  // The common deeds stand more than once.
  static constexpr std::array kDeeds = {
      &SoakClient::Submit,         &SoakClient::Submit,
      &SoakClient::Submit,         &SoakClient::List,
      &SoakClient::List,           &SoakClient::ReadMetrics,
      &SoakClient::ReadMetrics,    &SoakClient::Cancel,
      &SoakClient::Cancel,         &SoakClient::Delete,
      &SoakClient::Delete,         &SoakClient::Delete,
      &SoakClient::WatchAndHangUp, &SoakClient::WatchWithoutReading,
      &SoakClient::SendNonsense,   &SoakClient::FollowLogsAndHangUp,
      &SoakClient::BeginAHandshake};
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

// Not the one that the test watches; without tokens anybody may do anything to it.
std::string SoakClient::SomeJob() {
  v1::ListJobsRequest request;
  request.set_page_size(20);
  v1::ListJobsResponse response;
  Count(jobs_->ListJobs(Context(user_).get(), request, &response));
  if (response.jobs().empty()) return kNoJob;
  const v1::Job& job =
      response.jobs(static_cast<int>(random_.Below(static_cast<uint64_t>(response.jobs_size()))));
  return job.labels().count("spared") != 0 ? kNoJob : job.id();
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
  const auto stub =
      v1::JobService::NewStub(grpc::CreateCustomChannel(address_, credentials_, arguments));
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

// The oldest of its half-open connections goes; the server has ended it by then, or hears of it
// now.
void SoakClient::BeginAHandshake() {
  FileDescriptor socket = BeginHandshake(address_, random_.Below(kNumHalves));
  if (!socket.is_open()) return;
  half_open_.push_back(std::move(socket));
  if (half_open_.size() > kHalfOpenOfEach) half_open_.pop_front();
  ++tally_.half_open;
}

}  // namespace distill::testing
