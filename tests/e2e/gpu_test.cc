// Jobs on a real NVIDIA GPU, shared and not (label gpu).
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/e2e/lab.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int64_t kMebi = int64_t{1} << 20;

int64_t NumberIn(const nlohmann::json& object, const char* name) {
  return std::stoll(object.value(name, "0"));  // of 64 bits: a text
}

class OnAGpu : public Lab {
 protected:
  void SetUp() override {
    if (!fs::exists("/proc/driver/nvidia/gpus")) GTEST_SKIP() << "no GPU";
    ::setenv("DISTILL_TEST_DEVICES", "auto", /*overwrite=*/1);
    Lab::SetUp();
  }

  nlohmann::json Gpu() {
    return nlohmann::json::parse(CtlOk({"--output", "json", "devices"}))["devices"][0];
  }

  static std::vector<pid_t> OutsidersOf(const nlohmann::json& gpu) {
    std::vector<pid_t> pids;
    for (const auto& one : gpu.value("outsiders", nlohmann::json::array())) {
      pids.push_back(one.value("pid", 0));
    }
    return pids;
  }

  // Needs some GiB in its first step.
  void TrainGreedily(const std::string& name, const std::string& memory) {
    CtlOk({"train", "--name", name, "--dataset", "tiny", "--model", "resnet50", "--epochs", "1",
           "--image-size", "512", "--batch-size", "16", "--gpu-memory", memory});
  }
};

TEST_F(OnAGpu, DevicesAreThoseOfTheDriverAndShowWhoRunsOnThem) {
  const nlohmann::json idle = Gpu();
  EXPECT_THAT(idle.value("id", ""), StartsWith("GPU-"));
  EXPECT_GT(NumberIn(idle, "memory_total_bytes"), 1024 * kMebi);
  EXPECT_GT(idle.value("temperature_celsius", -1), 0);

  Train("job", "resnet18", 200);
  AwaitEpoch("job", 1);
  // The daemon asks the driver from time to time.
  EXPECT_TRUE(Eventually(std::chrono::seconds(30), [&] {
    const nlohmann::json busy = Gpu();
    const nlohmann::json jobs = busy.value("jobs", nlohmann::json::array());
    return jobs.size() == 1 && jobs[0].value("name", "") == "job" &&
           NumberIn(jobs[0], "memory_used_bytes") > 100 * kMebi;
  })) << Gpu().dump(2);
  EXPECT_THAT(OutsidersOf(Gpu()), Not(Contains(WorkerPid("job"))));
  CtlOk({"cancel", "--wait", "job"});
  EXPECT_GT(Job("job")["latest_metrics"].value("device/peak_memory_bytes", 0.0), 1.0 * kMebi);

  // What it took is offered at the next submit of its like.
  const Finished next =
      Ctl({"train", "--dry-run", "--name", "next", "--dataset", "tiny", "--model", "resnet18",
           "--epochs", "1", "--image-size", "32", "--batch-size", "8", "--patience", "0"});
  EXPECT_THAT(next.err, HasSubstr("GPU memory: last time ")) << next.out;
}

TEST_F(OnAGpu, AJobThatNeedsMoreThanItsShareEndsAndItsNeighbourDoesNotNotice) {
  constexpr int kEpochs = 30;
  Train("alone", "resnet18", kEpochs, {"--gpu-memory", "4GiB", "--seed", "5"});
  AwaitSuccess("alone");
  Train("neighbour", "resnet18", kEpochs, {"--gpu-memory", "4GiB", "--seed", "5"});
  AwaitEpoch("neighbour", 1);

  TrainGreedily("greedy", "1GiB");

  EXPECT_NE(Ctl({"wait", "--timeout", "120s", "greedy"}).exit_code, 0);
  EXPECT_EQ(State("greedy"), "JOB_STATE_FAILED");
  EXPECT_THAT(Job("greedy").dump(), HasSubstr("OUT_OF_MEMORY"));
  AwaitSuccess("neighbour");
  EXPECT_THAT(Job("neighbour")["attempts"], SizeIs(1));
  EXPECT_TRUE(TensorsOf("alone") == TensorsOf("neighbour"));
  TrainGreedily("modest", "40GiB");
  AwaitSuccess("modest");
}

TEST_F(OnAGpu, ProcessesOfOthersAreShownAndTheirMemoryIsNotGivenOut) {
  Train("pattern", "resnet18", 100'000);
  AwaitEpoch("pattern", 1);
  const fs::path spec = RunDirectory("pattern", 1) / "spec.json";
  const fs::path own = folder() / "own";
  fs::create_directories(own);
  fs::copy_file(spec, own / "spec.json");
  CtlOk({"cancel", "--wait", "pattern"});
  std::string worker = DISTILL_WORKER;
  std::string directory = own;
  char* command[] = {worker.data(), directory.data(), nullptr};
  pid_t outsider = -1;
  ASSERT_EQ(::posix_spawn(&outsider, worker.c_str(), nullptr, nullptr, command, environ), 0);

  EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
    const nlohmann::json gpu = Gpu();
    const std::vector<pid_t> outsiders = OutsidersOf(gpu);
    return std::count(outsiders.begin(), outsiders.end(), outsider) == 1 &&
           NumberIn(gpu, "foreign_memory_bytes") > 100 * kMebi;
  })) << Gpu().dump(2);

  // With what CUDA itself takes of each job (gpu_overhead), it fits into the empty GPU.
  const int64_t all = NumberIn(Gpu(), "memory_total_bytes") / kMebi - 768;
  Train("waits", "resnet18", 1, {"--gpu-memory", std::to_string(all - 64) + "MiB"});
  EXPECT_TRUE(Eventually(std::chrono::seconds(30), [&] {
    return CtlOk({"why", "waits"}).find("did not start") != std::string::npos;
  })) << CtlOk({"why", "waits"});
  ::kill(outsider, SIGKILL);
  ::waitpid(outsider, nullptr, 0);
  CtlOk({"cancel", "waits"});
}

}  // namespace
}  // namespace distill::testing
