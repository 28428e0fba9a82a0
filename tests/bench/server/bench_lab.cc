#include "tests/bench/server/bench_lab.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/base/durable_file.h"
#include "tests/bench/server/timings.h"
#include "tests/eventually.h"
#include "tests/fakes/birds_dataset.h"
#include "tests/guard/guard_folder.h"

namespace distill::bench {
namespace {

constexpr std::chrono::seconds kLimit{120};

[[noreturn]] void Fail(const std::string& what) {
  std::cerr << "bench_server: " << what << std::endl;
  std::exit(1);
}

// The program under test: ours, or another build's that the environment names.
std::string Program() {
  const char* const given = std::getenv("DISTILLD");
  return given != nullptr ? given : DISTILLD_PROGRAM;
}

}  // namespace

void Check(const grpc::Status& status, const std::string& what) {
  if (!status.ok()) Fail(what + ": " + status.error_message());
}

BenchLab::BenchLab() {
  testing::GuardFolder(folder_.path());
  const Status added = testing::AddBirdsTo(state());
  if (!added.ok()) Fail("the data set cannot be stored: " + added.ToString());
  std::filesystem::create_symlink(DISTILL_FAKE_WORKER, folder_.path() / "worker");
  std::ofstream gpus(folder_.path() / "gpus");
  for (int index = 0; index < kNumGpus; ++index) {
    gpus << "gpu GPU-bench-" << index << " 81920 0 0 30 Pretended\n";
  }
  SetScript("started;wait go");
}

BenchLab::~BenchLab() {
  if (daemon_.pid > 0) Stop(SIGKILL);
  // The workers that were left behind.
  for (const auto& run : std::filesystem::recursive_directory_iterator(state() / "runs")) {
    if (run.path().filename() != "worker.lock") continue;
    const auto worker =
        server::FindProcessOf(run.path().parent_path(), folder_.path() / "worker", ::geteuid());
    if (worker) server::KillGroup(*worker);
  }
}

void BenchLab::SetScript(const std::string& script) {
  if (!ReplaceFile(folder_.path() / "worker.script", script).ok()) Fail("no script");
}

double BenchLab::Start() {
  std::filesystem::remove(state() / "distilld.address");
  server::SpawnRequest request;
  request.executable = Program();
  request.arguments = {"--listen",
                       "127.0.0.1:0",
                       "--state-dir",
                       state(),
                       "--nvml-library",
                       DISTILL_FAKE_NVML,
                       "--worker-executable",
                       folder_.path() / "worker",
                       "--max-submits-per-minute",
                       "0",
                       "--max-queued-jobs-per-user",
                       "100000",
                       "--max-queued-jobs",
                       "100000",
                       "--log-level",
                       "warning"};
  request.environment = {{"FAKE_NVML_STATE", folder_.path() / "gpus"}};
  request.working_directory = "/";
  request.output_file = folder_.path() / "distilld.log";
  const auto start = Clock::now();
  const auto started = server::Spawn(request);
  if (!started.ok()) Fail(started.status().ToString());
  daemon_ = *started;
  Await("distilld to serve", [&] {
    const auto address = ReadFile(state() / "distilld.address");
    if (!address.ok() || address->empty() || address->back() != '\n') return false;
    address_ = address->substr(0, address->size() - 1);
    return true;
  });
  const auto channel = NewChannel();
  channel->WaitForConnected(std::chrono::system_clock::now() + kLimit);
  jobs_ = v1::JobService::NewStub(channel);
  v1::ListJobsRequest request_one;
  request_one.set_page_size(1);
  v1::ListJobsResponse response;
  Check(jobs_->ListJobs(Context().get(), request_one, &response), "first call");
  return MillisSince(start);
}

void BenchLab::Stop(int signal) {
  ::kill(daemon_.pid, signal);
  ::waitpid(daemon_.pid, nullptr, 0);
  daemon_ = {};
}

double BenchLab::MemoryMiB() const {
  std::ifstream status("/proc/" + std::to_string(daemon_.pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

std::shared_ptr<grpc::Channel> BenchLab::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
}

std::string BenchLab::Submit() {
  v1::Job job;
  Check(jobs_->CreateJob(Context().get(), TrainRequest(), &job), "submit");
  return job.id();
}

v1::JobState BenchLab::StateOf(const std::string& job) {
  v1::GetJobRequest request;
  request.set_job(job);
  v1::Job found;
  Check(jobs_->GetJob(Context().get(), request, &found), "get");
  return found.state();
}

void BenchLab::Await(const std::string& what, const std::function<bool()>& condition) {
  if (!testing::Eventually(kLimit, condition)) Fail("waited in vain for " + what);
}

void BenchLab::Touch(const std::string& job, const std::string& name) const {
  std::ofstream(state() / "runs" / job / "1" / name) << "x";
}

std::string NewUuid() {
  static std::atomic<unsigned> number = 0;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "be9c4000-0000-4000-8000-%012x", ++number);
  return text.data();
}

v1::CreateJobRequest TrainRequest() {
  v1::CreateJobRequest request;
  request.set_request_id(NewUuid());
  v1::TrainJob& train = *request.mutable_job()->mutable_train();
  train.set_dataset("birds");
  train.set_model("resnet18");
  train.set_epochs(100);
  train.mutable_optimizer()->set_learning_rate(1e-3);
  return request;
}

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kLimit);
  context->AddMetadata("distill-user", "bench");
  return context;
}

}  // namespace distill::bench
