#include "tests/crash/crash_lab.h"

#include <grpcpp/grpcpp.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "core/base/durable_file.h"
#include "distill/v1/job_service.grpc.pb.h"
#include "distill/v1/server_service.grpc.pb.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/fakes/birds_dataset.h"
#include "tests/guard/guard_folder.h"
#include "tests/raw_call.h"

namespace distill::testing {
namespace {

std::unique_ptr<grpc::ClientContext> ContextWith(const std::string& token) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context->AddMetadata("distill-user", "ada");
  if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
  return context;
}

template <typename Response>
Result<Response> Answer(const grpc::Status& status, Response&& response) {
  if (status.ok()) return std::forward<Response>(response);
  return Status(static_cast<Code>(status.error_code()), status.error_message());
}

}  // namespace

int NumCycles(int usual) {
  const char* given = std::getenv("DISTILL_CRASH_CYCLES");
  return given != nullptr ? std::atoi(given) : usual;
}

unsigned Seed(unsigned usual) {
  const char* given = std::getenv("DISTILL_CRASH_SEED");
  return given != nullptr ? static_cast<unsigned>(std::atoi(given)) : usual;
}

void CrashLab::SetUp() {
  GuardFolder(folder());
  ASSERT_TRUE(AddBirdsTo(state()).ok());
  std::filesystem::create_symlink(DISTILL_FAKE_WORKER, folder() / "worker");
  SetScript("started;outcome 8 0");
}

void CrashLab::TearDown() {
  if (daemon_.pid > 0) EndDaemon(SIGKILL);
  for (const pid_t worker : ProcessesIn(folder())) ::kill(worker, SIGKILL);
  if (HasFailure()) std::cerr << DaemonLog();
}

void CrashLab::SetScript(const std::string& script) {
  ASSERT_TRUE(ReplaceFile(folder() / "worker.script", script).ok());
}

void CrashLab::AddArguments(const std::vector<std::string>& arguments) {
  more_arguments_.insert(more_arguments_.end(), arguments.begin(), arguments.end());
}

void CrashLab::AddDaemonVariable(const std::string& name, const std::string& value) {
  variables_.emplace_back(name, value);
}

bool CrashLab::SetClock([[maybe_unused]] int seconds) {
#ifdef DISTILL_FAKE_TIME
  const std::filesystem::path offset = folder() / "offset";
  if (!std::filesystem::exists(offset)) {
    AddDaemonVariable("LD_PRELOAD", DISTILL_FAKE_TIME);
    AddDaemonVariable("DISTILL_TIME_OFFSET", offset.string());
  }
  return ReplaceFile(offset, std::to_string(seconds) + "\n").ok();
#else
  return false;
#endif
}

void CrashLab::UseCredentials(std::shared_ptr<grpc::ChannelCredentials> credentials) {
  credentials_ = std::move(credentials);
}

void CrashLab::MoveState(const std::filesystem::path& state) {
  state_ = state;
  ASSERT_TRUE(AddBirdsTo(state).ok());
}

std::string CrashLab::DaemonLog() { return ContentOf(folder() / "distilld.log"); }

std::filesystem::path CrashLab::RunDirectory(const std::string& job, int attempt) const {
  return state() / "runs" / job / std::to_string(attempt);
}

bool CrashLab::StartDaemon(const std::string& fault) {
  std::filesystem::remove(state() / "distilld.address");
  server::SpawnRequest request;
  request.executable = DISTILLD;
  request.arguments = {"--listen",
                       address_,
                       "--state-dir",
                       state().string(),
                       "--devices",
                       "cpu",
                       "--worker-executable",
                       (folder() / "worker").string(),
                       "--worker-stop-grace-seconds",
                       std::to_string(stop_grace_seconds_)};
  request.arguments.insert(request.arguments.end(), more_arguments_.begin(), more_arguments_.end());
  request.environment = variables_;
  if (!fault.empty()) request.environment.emplace_back("DISTILL_FAULT", fault);
  request.working_directory = "/";
  request.output_file = folder() / "distilld.log";
  auto started = server::Spawn(request);
  EXPECT_TRUE(started.ok()) << started.status().ToString();
  if (!started.ok()) return false;
  daemon_ = *started;
  std::string address;
  const bool has_come_to_something = Eventually(kLimit, [&] {
    address = ContentOf(state() / "distilld.address");
    return address.find('\n') != std::string::npos || !server::StartTicks(daemon_.pid);
  });
  const bool serves = has_come_to_something && address.find('\n') != std::string::npos;
  if (serves) {
    address_ = address.substr(0, address.find('\n'));
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no back-off from an earlier daemon
    channel_ = grpc::CreateCustomChannel(
        address_, credentials_ ? credentials_ : grpc::InsecureChannelCredentials(), arguments);
  }
  EXPECT_TRUE(serves || !fault.empty()) << "distilld did not start";
  return serves;
}

int CrashLab::EndDaemon(int signal) {
  if (daemon_.pid <= 0) return -1;
  // A connection that nobody serves would be waited for.
  if (signal != 0) channel_.reset();
  if (signal != 0) ::kill(daemon_.pid, signal);
  const int exit_code = AwaitExit(daemon_.pid);
  daemon_ = {};
  return exit_code;
}

Result<v1::Job> CrashLab::Submit(const v1::Job& job, const std::string& request_id) {
  v1::CreateJobRequest request;
  *request.mutable_job() = job;
  request.set_request_id(request_id);
  v1::Job created;
  const auto stub = v1::JobService::NewStub(channel_);
  return Answer(stub->CreateJob(ContextWith(token_).get(), request, &created), std::move(created));
}

Result<v1::Job> CrashLab::Get(const std::string& job) {
  v1::GetJobRequest request;
  request.set_job(job);
  v1::Job found;
  const auto stub = v1::JobService::NewStub(channel_);
  return Answer(stub->GetJob(ContextWith(token_).get(), request, &found), std::move(found));
}

Result<v1::Job> CrashLab::Cancel(const std::string& job) {
  v1::CancelJobRequest request;
  request.set_job(job);
  v1::Job found;
  const auto stub = v1::JobService::NewStub(channel_);
  return Answer(stub->CancelJob(ContextWith(token_).get(), request, &found), std::move(found));
}

Result<v1::Job> CrashLab::Pause(const std::string& job) {
  v1::PauseJobRequest request;
  request.set_job(job);
  v1::Job found;
  const auto stub = v1::JobService::NewStub(channel_);
  return Answer(stub->PauseJob(ContextWith(token_).get(), request, &found), std::move(found));
}

Result<v1::Job> CrashLab::Resume(const std::string& job) {
  v1::ResumeJobRequest request;
  request.set_job(job);
  v1::Job found;
  const auto stub = v1::JobService::NewStub(channel_);
  return Answer(stub->ResumeJob(ContextWith(token_).get(), request, &found), std::move(found));
}

Result<v1::ServerInfo> CrashLab::Info() {
  v1::ServerInfo info;
  const auto stub = v1::ServerService::NewStub(channel_);
  return Answer(stub->GetServerInfo(ContextWith(token_).get(), {}, &info), std::move(info));
}

std::string CrashLab::Trouble() {
  const auto info = Info();
  return info.ok() ? info->trouble() : info.status().ToString();
}

int CrashLab::Health() {
  // An empty HealthCheckRequest; HealthCheckResponse{status = 1} is a tag and a number.
  std::string bytes;
  CallRaw(channel_, ContextWith(token_), "/grpc.health.v1.Health/Check", {}, bytes);
  return bytes.size() == 2 ? bytes[1] : 0;
}

std::string CrashLab::HoldersOfTheDevice() {
  v1::ListDevicesResponse devices;
  const auto stub = v1::ServerService::NewStub(channel_);
  const grpc::Status status = stub->ListDevices(ContextWith(token_).get(), {}, &devices);
  if (!status.ok() || devices.devices_size() != 1) return "?";
  std::string holders;
  for (const v1::DeviceJob& job : devices.devices(0).jobs()) holders += job.id() + " ";
  return holders;
}

int CrashLab::Ctl(std::vector<std::string> arguments, const std::filesystem::path& output) {
  arguments.insert(arguments.begin(), {"--server", address_});
  return RunProgram(DISTILLCTL, arguments, "", output);
}

int CrashLab::Admin(std::vector<std::string> arguments, const std::filesystem::path& output) {
  arguments.insert(arguments.end(), {"--state-dir", state().string(), "--worker-executable",
                                     (folder() / "worker").string()});
  return RunProgram(DISTILLD, arguments, "", output);
}

pid_t CrashLab::AwaitWorker(const std::string& job, int attempt) {
  pid_t pid = 0;
  EXPECT_TRUE(Eventually(
      kLimit,
      [&] {
        const std::string lock = ContentOf(RunDirectory(job, attempt) / "worker.lock");
        return lock.find('\n') != std::string::npos &&
               std::from_chars(lock.data(), lock.data() + lock.size(), pid).ec == std::errc();
      }))
      << "job " << job << " has no worker";
  return pid;
}

Result<std::vector<v1::Job>> CrashLab::ListAll() {
  const auto stub = v1::JobService::NewStub(channel_);
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  std::vector<v1::Job> jobs;
  do {
    v1::ListJobsResponse page;
    const grpc::Status status = stub->ListJobs(ContextWith(token_).get(), request, &page);
    if (!status.ok()) return Answer(status, std::move(jobs));
    jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return jobs;
}

Result<v1::ListMetricsResponse> CrashLab::Metrics(const std::string& job) {
  v1::ListMetricsRequest request;
  request.set_job(job);
  v1::ListMetricsResponse metrics;
  const auto stub = v1::JobService::NewStub(channel_);
  return Answer(stub->ListMetrics(ContextWith(token_).get(), request, &metrics),
                std::move(metrics));
}

void CrashLab::AwaitState(const std::string& job, v1::JobState state) {
  v1::JobState last = v1::JOB_STATE_UNSPECIFIED;
  EXPECT_TRUE(Eventually(kLimit,
                         [&] {
                           const auto found = Get(job);
                           if (found.ok()) last = found->state();
                           return last == state;
                         }))
      << "job " << job << " is " << v1::JobState_Name(last);
}

std::string CrashLab::AwaitFile(const std::filesystem::path& file) {
  std::string content;
  EXPECT_TRUE(Eventually(kLimit,
                         [&] {
                           content = ContentOf(file);
                           return !content.empty();
                         }))
      << "no file " << file;
  return content;
}

v1::Job TrainRequest(const std::string& label) {
  v1::Job job;
  job.mutable_train()->set_dataset("birds");
  job.mutable_train()->set_model("mobilenetv2");
  job.mutable_train()->set_epochs(2);
  if (!label.empty()) (*job.mutable_labels())["submission"] = label;
  return job;
}

std::vector<pid_t> ProcessesIn(const std::filesystem::path& folder) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    const auto place = std::filesystem::read_symlink(entry.path() / "cwd", error).string();
    if (place.compare(0, folder.string().size(), folder.string()) != 0) continue;
    if (server::StartTicks(pid)) found.push_back(pid);
  }
  return found;
}

}  // namespace distill::testing
