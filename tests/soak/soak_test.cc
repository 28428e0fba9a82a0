// Fifty clients that behave badly, over TLS, beside a worker that trains. The worker has a
// processor of its own, as training has on a machine with GPUs; daemon and clients have the rest,
// and the clients only what the daemon leaves. On a machine of two cores they could not be told
// from the daemon otherwise: what they take of the worker's time would be blamed on it.
#include <gtest/gtest.h>
#include <sched.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/base/clock.h"
#include "core/base/durable_file.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/soak/process_figures.h"
#include "tests/soak/soak_client.h"

namespace distill::testing {
namespace {

constexpr int kClients = 50;
constexpr int kTrainersProcessor = 0;
// What the daemon may hold more after the soak than after its first fifth: caches that are still
// filling up, and the allocator's slack.
constexpr double kMaxGrowthMiB = 64;
// The store keeps twelve readers of each database, with two files each.
constexpr int kMaxMoreFiles = 64;
// Of the median step, while the daemon is busy on other processors: caches and memory are shared.
constexpr double kMaxSlowdown = 1.2;

double Minutes() {
  const char* const given = std::getenv("DISTILL_SOAK_MINUTES");
  return given != nullptr ? std::atof(given) : 10;
}

class SoakTest : public CrashLab {
 protected:
  void SetUp() override {
    has_processors_ = KeepOff(0, kTrainersProcessor);
    CrashLab::SetUp();
    const std::string tls = folder() / "tls";
    ASSERT_EQ(RunProgram(DISTILL_DEPLOY "/tls.sh", {tls, "127.0.0.1"}, ""), 0);
    AddArguments({"--tls-certificate", tls + "/server.pem", "--tls-key", tls + "/server.key"});
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ContentOf(tls + "/ca.pem");
    credentials_ = grpc::SslCredentials(options);
    UseCredentials(credentials_);
    // Devices for the other jobs, beside the trainer's.
    std::ofstream gpus(folder() / "gpus");
    for (int i = 0; i < 3; ++i) gpus << "gpu GPU-soak-" << i << " 81920 0 0 30 Pretended\n";
    AddDaemonVariable("FAKE_NVML_STATE", (folder() / "gpus").string());
    AddArguments({"--nvml-library", DISTILL_FAKE_NVML, "--devices", "0", "1", "2"});
  }

  // Starts a worker that trains until StopTrainer.
  void StartTrainer() {
    SetScript("started;train go;outcome 8 0");
    v1::Job request = TrainRequest();
    (*request.mutable_labels())["spared"] = "yes";
    const auto job = Submit(request, "");
    ASSERT_TRUE(job.ok()) << job.status().ToString();
    trainer_ = job->id();
    const pid_t worker = AwaitWorker(trainer_);
    if (has_processors_) has_processors_ = PinTo(worker, kTrainersProcessor);
    SetScript("started;lines 5;epochs 1 3;outcome 8 0");
  }

  void StopTrainer() {
    std::ofstream(RunDirectory(trainer_, 1) / "go") << "";
    AwaitState(trainer_, v1::JOB_STATE_SUCCEEDED);
    EXPECT_EQ(Get(trainer_)->attempts_size(), 1);
  }

  double StepMs(int64_t from_unix_ms, int64_t to_unix_ms) const {
    return MedianStepMs(RunDirectory(trainer_, 1) / "steps", from_unix_ms, to_unix_ms);
  }

  std::thread StartClient(int number, std::chrono::steady_clock::time_point end) {
    return std::thread([this, number, end] {
      const sched_param none{};
      ::sched_setscheduler(0, SCHED_IDLE, &none);
      SoakClient client(address(), credentials_, static_cast<uint64_t>(number), tally_);
      while (std::chrono::steady_clock::now() < end) client.Act();
    });
  }

  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  bool has_processors_ = false;
  std::string trainer_;
  SoakTally tally_;
};

TEST_F(SoakTest, FiftyClientsThatBehaveBadlyLeaveTheDaemonAndATrainingAsTheyWere) {
  ASSERT_TRUE(StartDaemon());
  StartTrainer();
  const int files_before = OpenFiles(daemon());
  const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(60 * Minutes()));
  const int64_t before = SystemClock().UnixMillis();
  std::this_thread::sleep_for(length / 20);
  const int64_t begin = SystemClock().UnixMillis();
  const double seconds_before = ProcessorSeconds(daemon());
  std::vector<std::thread> clients;
  const auto end = std::chrono::steady_clock::now() + length;
  for (int number = 0; number < kClients; ++number) clients.push_back(StartClient(number, end));
  std::this_thread::sleep_for(length / 5);
  const double warm = MemoryMiB(daemon());
  std::this_thread::sleep_for(length - length / 5);
  const double after = MemoryMiB(daemon());
  const double share =
      (ProcessorSeconds(daemon()) - seconds_before) / std::chrono::duration<double>(length).count();
  const int64_t last = SystemClock().UnixMillis();
  for (std::thread& client : clients) client.join();

  const double quiet_step = StepMs(before, begin);
  const double step = StepMs(begin, last);
  std::cout << tally_.calls << " calls, " << tally_.streams << " streams, " << tally_.half_open
            << " half-open handshakes; memory " << warm << " MiB after a fifth, " << after
            << " MiB at the end; the daemon used " << share << " of a processor; a step took "
            << quiet_step << " ms before, " << step << " ms during\n";
  EXPECT_GT(tally_.calls, 0);
  EXPECT_GT(tally_.half_open, 0);
  EXPECT_EQ(tally_.unexpected, 0);
  EXPECT_EQ(tally_.unanswered, 0);
  EXPECT_LT(after - warm, kMaxGrowthMiB);
  EXPECT_GT(quiet_step, 0);
  // Without a processor of its own the trainer shares with the clients, not only with the daemon.
  if (has_processors_) {
    EXPECT_LT(step, kMaxSlowdown * quiet_step);
  }
  EXPECT_TRUE(Eventually(std::chrono::seconds(60),
                         [&] { return OpenFiles(daemon()) <= files_before + kMaxMoreFiles; }))
      << files_before << " files were open before, now " << OpenFilesText(daemon());
  StopTrainer();
  EXPECT_EQ(EndDaemon(SIGTERM), 0);
}

}  // namespace
}  // namespace distill::testing
