// A job whose worker is killed, or that is paused, at random moments ends in the bits of one that
// was left alone. DISTILL_KILLS: how many times each; the slow test has 20.
#include <gmock/gmock.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>

#include "tests/e2e/lab.h"
#include "tests/eventually.h"

namespace distill::testing {
namespace {

namespace fs = std::filesystem;

int NumKills() {
  const char* const given = std::getenv("DISTILL_KILLS");
  return given == nullptr ? 1 : std::atoi(given);
}

struct Variant {
  const char* name;
  std::vector<std::string> flags;
  bool is_paused = false;  // and resumed, instead of killed
};

class ExactResume : public Lab, public ::testing::WithParamInterface<Variant> {
 protected:
  // Epochs enough for every kill to hit one.
  void Run(const std::string& name) {
    std::vector<std::string> flags = {"--ema", "--max-interruptions", "1000"};
    flags.insert(flags.end(), GetParam().flags.begin(), GetParam().flags.end());
    Train(name, "resnet18", NumEpochs(), flags);
  }

  static int NumEpochs() { return 2 * NumKills() + 2; }

  // Breaks the present attempt off once its journal has grown by some bytes: in an epoch, in its
  // validation, in the writing of its checkpoint. Returns false when the job has ended.
  bool BreakOffAfter(const std::string& name, uintmax_t bytes) {
    const size_t attempt = Job(name).value("attempts", nlohmann::json::array()).size();
    const fs::path journal = RunDirectory(name, attempt) / "journal";
    const auto has_ended = [&] { return fs::exists(journal.parent_path() / "last.safetensors"); };
    std::error_code error;
    EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
      const uintmax_t size = fs::file_size(journal, error);
      return (!error && size >= bytes) || has_ended();
    }));
    const pid_t worker = WorkerPid(name);
    if (worker <= 0 || has_ended()) return false;
    if (GetParam().is_paused) {
      CtlOk({"pause", name});
      EXPECT_TRUE(Eventually(std::chrono::seconds(60),
                             [&] { return State(name) == "JOB_STATE_PAUSED" || has_ended(); }));
      if (has_ended()) return false;
      CtlOk({"resume", name});
    } else {
      ::kill(-worker, SIGKILL);
    }
    EXPECT_TRUE(Eventually(std::chrono::seconds(60), [&] {
      return Job(name).value("attempts", nlohmann::json::array()).size() > attempt;
    }));
    return true;
  }

  // All values of all metrics but speeds, by metric and epoch; a point that is there twice fails.
  std::map<std::string, std::string> MetricsOf(const std::string& name) {
    std::istringstream lines(CtlOk({"metrics", name, "--csv"}));
    std::map<std::string, std::string> values;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      std::string metric;
      std::string epoch;
      std::string step;
      std::string value;
      for (std::string* field : {&metric, &epoch, &step, &value}) std::getline(fields, *field, ',');
      if (metric.find("images_per_second") != std::string::npos) continue;
      if (metric == "device/peak_memory_bytes") continue;  // of each process
      const bool is_new = values.emplace(metric + " " + epoch, step + " " + value).second;
      EXPECT_TRUE(is_new) << "twice: " << line;
    }
    return values;
  }
};

TEST_P(ExactResume, EndsInTheBitsAndFiguresOfAnUndisturbedRun) {
  Train("teacher", "resnet18", 1);
  AwaitSuccess("teacher");
  Run("straight");
  AwaitSuccess("straight");
  Run("killed");
  std::mt19937 random(7);
  int kills = 0;
  for (int i = 0; i < NumKills() && !HasFailure(); ++i) {
    if (!BreakOffAfter("killed", 200 + random() % 1500)) break;
    ++kills;
  }
  AwaitSuccess("killed");

  EXPECT_EQ(kills, NumKills());
  const std::string tensors = TensorsOf("straight");
  EXPECT_GT(tensors.size(), 1'000'000U);
  EXPECT_TRUE(tensors == TensorsOf("killed"));
  EXPECT_EQ(MetricsOf("straight"), MetricsOf("killed"));
}

INSTANTIATE_TEST_SUITE_P(
    Of, ExactResume,
    ::testing::Values(Variant{"Plain", {}}, Variant{"PausedByItsUser", {"--mixup", "mixup"}, true},
                      Variant{"MgdRDropAndMixup",
                              {"--kd", "mgd", "--kd", "soft-target", "--teacher", "teacher",
                               "--rdrop", "--mixup", "mixup"}},
                      Variant{"CrdAugmentationAndBfloat16",
                              {"--kd", "crd", "--crd-negatives", "16", "--teacher", "teacher",
                               "--augment", "autoaugment", "--amp"}}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace distill::testing
