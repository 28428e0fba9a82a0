#include "core/checkpoint/training_checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "core/base/durable_file.h"
#include "core/checkpoint/tensor_file.h"
#include "tests/matchers/status_matchers.h"
#include "tests/temp_dir.h"

namespace distill::core {
namespace {

using ::distill::testing::HasCode;
using ::distill::testing::StatusIs;
using ::distill::testing::TempDir;
using ::testing::HasSubstr;

TrainingCheckpoint Sample(int64_t step) {
  TrainingCheckpoint checkpoint;
  checkpoint.groups["model"] = {
      {"model.weight", at::arange(6, at::kFloat).reshape({2, 3}) + step, TensorKind::kWeight},
      {"counter", at::full({}, step, at::kLong), TensorKind::kBuffer}};
  checkpoint.groups["rng"] = {{"cpu", at::arange(7, at::kByte), TensorKind::kBuffer}};
  checkpoint.groups["terms"] = {};
  checkpoint.integers = {{"step", step}, {"seed", std::numeric_limits<int64_t>::min()}};
  checkpoint.numbers = {{"best", 0.1}, {"lowest", -INFINITY}, {"unknown", NAN}, {"tiny", 5e-324}};
  checkpoint.texts = {{"spec", "{\"lr\": 0.1}\n"}, {"", "empty key"}};
  return checkpoint;
}

TEST(TrainingCheckpointTest, EverythingIsReadBackBitForBit) {
  const TempDir dir;
  const auto path = dir.path() / kLastCheckpointName;
  const TrainingCheckpoint written = Sample(17);
  ASSERT_OK(WriteTrainingCheckpoint(path, written));

  const auto read = ReadTrainingCheckpoint(path);

  ASSERT_OK(read);
  EXPECT_EQ(read->integers, written.integers);
  EXPECT_EQ(read->texts, written.texts);
  EXPECT_EQ(read->numbers.at("best"), 0.1);
  EXPECT_EQ(read->numbers.at("lowest"), -INFINITY);
  EXPECT_EQ(read->numbers.at("tiny"), 5e-324);
  EXPECT_TRUE(std::isnan(read->numbers.at("unknown")));
  ASSERT_EQ(read->groups.size(), 3U);
  EXPECT_TRUE(read->groups.at("terms").empty());
  const NamedTensors& model = read->groups.at("model");
  EXPECT_EQ(model[0].name, "model.weight");
  EXPECT_TRUE(at::equal(model[0].tensor, written.groups.at("model")[0].tensor));
  EXPECT_EQ(model[1].tensor.item<int64_t>(), 17);
  EXPECT_EQ(model[1].tensor.dim(), 0);
}

TEST(TrainingCheckpointTest, KeepsTheLastTwo) {
  const TempDir dir;
  for (int64_t step = 1; step <= 3; ++step)
    ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(step)));

  EXPECT_EQ(ReadTrainingCheckpoint(dir.path() / "last.ckpt")->integers.at("step"), 3);
  EXPECT_EQ(ReadTrainingCheckpoint(dir.path() / "last-1.ckpt")->integers.at("step"), 2);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2);
}

std::string Flipped(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

TEST(TrainingCheckpointTest, ADamagedNewestFileIsPassedOverForTheOneBefore) {
  const TempDir dir;
  ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(1)));
  ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(2)));
  const std::string whole = ReadFile(dir.path() / "last.ckpt").value();
  const size_t size = whole.size();
  std::vector<std::string> damages;
  for (size_t at = 0; at < size; at += 7) damages.push_back(Flipped(whole, at));
  damages.push_back(Flipped(whole, size - 1));
  for (const size_t left : {size_t{0}, size_t{7}, size / 2, size - 1}) {
    damages.push_back(whole.substr(0, left));
  }
  for (const std::string& damaged : damages) {
    ASSERT_OK(ReplaceFile(dir.path() / "last.ckpt", damaged));

    const auto found = ReadNewestCheckpoint(dir.path());

    ASSERT_OK(found);
    EXPECT_EQ(found->checkpoint.integers.at("step"), 1);
    EXPECT_EQ(found->path.filename(), "last-1.ckpt");
    ASSERT_EQ(found->passed_over.size(), 1U);
    EXPECT_THAT(found->passed_over[0].message(), HasSubstr("last.ckpt"));
  }
}

TEST(TrainingCheckpointTest, OnlyDamagedFilesAreDataLossAndNoneIsNotFound) {
  const TempDir dir;
  EXPECT_THAT(ReadNewestCheckpoint(dir.path()), HasCode(Code::kNotFound));

  ASSERT_OK(ReplaceFile(dir.path() / "last.ckpt", "torn"));
  EXPECT_THAT(ReadNewestCheckpoint(dir.path()), HasCode(Code::kDataLoss));
}

TEST(TrainingCheckpointTest, ANewerVersionIsRefusedAndNothingOlderIsTried) {
  const TempDir dir;
  ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(1)));
  ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(2)));
  TensorFile newer;
  newer.metadata = {{"distill_training_checkpoint", "3"}, {"state", "of another form"}};
  ASSERT_OK(WriteSafetensors(dir.path() / "last.ckpt", newer));

  EXPECT_THAT(ReadNewestCheckpoint(dir.path()),
              StatusIs(Code::kFailedPrecondition, HasSubstr("newer version")));
}

TEST(TrainingCheckpointTest, AWeightsFileIsNoTrainingCheckpoint) {
  const TempDir dir;
  const auto path = dir.path() / "student.safetensors";
  ASSERT_OK(WriteSafetensors(path, TensorFile{}));
  EXPECT_THAT(ReadTrainingCheckpoint(path),
              StatusIs(Code::kInvalidArgument, HasSubstr("weights file")));
}

TEST(TrainingCheckpointTest, AnIntegerOfMoreThan64BitsIsDamage) {
  const TempDir dir;
  const auto path = dir.path() / kLastCheckpointName;
  TensorFile file;
  file.metadata = {
      {"distill_training_checkpoint", "1"},
      {"state",
       R"({"groups":[],"integers":{"step":1180591620717411303424},"numbers":{},"texts":{}})"}};
  ASSERT_OK(WriteSafetensors(path, file));

  EXPECT_THAT(ReadTrainingCheckpoint(path), StatusIs(Code::kDataLoss, HasSubstr("state")));
}

TEST(TrainingCheckpointTest, AFailedWriteLeavesTheOldFilesAlone) {
  const TempDir dir;
  ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(1)));
  TrainingCheckpoint unfit = Sample(2);
  unfit.groups["a/b"] = {};

  EXPECT_THAT(WriteNewestCheckpoint(dir.path(), unfit), HasCode(Code::kInvalidArgument));
  EXPECT_EQ(ReadNewestCheckpoint(dir.path())->checkpoint.integers.at("step"), 1);
}

enum class Fate { kKilled, kFinished, kNotTraceable };

/// Runs WriteNewestCheckpoint(`step`) in a child that is killed when it enters its system call
/// number `stop_at`. Returns what became of the child.
Fate WriteAndKill(const std::filesystem::path& directory, int64_t step, int stop_at) {
  constexpr int kNotTraceableExit = 77;
  const TrainingCheckpoint checkpoint = Sample(step);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kNotTraceableExit);
    ::raise(SIGSTOP);
    ::_exit(WriteNewestCheckpoint(directory, checkpoint).ok() ? 0 : 1);
  }
  int wait_status = 0;
  ::waitpid(child, &wait_status, 0);
  if (WIFEXITED(wait_status)) return Fate::kNotTraceable;
  // Each system call stops the child twice: at its entry and at its exit.
  for (int stop = 1;; ++stop) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &wait_status, 0);
    if (WIFEXITED(wait_status) || WIFSIGNALED(wait_status)) {
      EXPECT_TRUE(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
      return Fate::kFinished;
    }
    if (stop == 2 * stop_at - 1) break;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &wait_status, 0);
  return Fate::kKilled;
}

TEST(TrainingCheckpointTest, KilledAtAnySystemCallOfAWriteAWholeCheckpointIsLeft) {
  // Step 1 is written whole; step 2 is killed at its n-th system call, for every n there is.
  int num_kills = 0;
  for (int stop_at = 1;; ++stop_at) {
    const TempDir dir;
    ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(1)));
    const Fate fate = WriteAndKill(dir.path(), 2, stop_at);
    if (fate == Fate::kNotTraceable) GTEST_SKIP() << "ptrace is not allowed here";
    const bool was_killed = fate == Fate::kKilled;
    const auto found = ReadNewestCheckpoint(dir.path());
    ASSERT_OK(found) << "killed at system call " << stop_at;
    const int64_t step = found->checkpoint.integers.at("step");
    EXPECT_TRUE(was_killed ? step == 1 || step == 2 : step == 2);
    EXPECT_TRUE(found->passed_over.empty());
    if (!was_killed) break;
    ++num_kills;
    // The run goes on from there, and its next checkpoint is whole too.
    ASSERT_OK(WriteNewestCheckpoint(dir.path(), Sample(step + 1)));
    EXPECT_EQ(ReadNewestCheckpoint(dir.path())->checkpoint.integers.at("step"), step + 1);
  }
  EXPECT_GE(num_kills, 8);  // create, write, sync, close, two renames, open and sync the directory
}

// What a run leaves, with its optimiser's moments under the same names as the weights.
TrainingCheckpoint OfARun() {
  TrainingCheckpoint checkpoint;
  const auto of = [](double value) {
    return NamedTensors{{"conv.weight", at::full({2}, value, at::kFloat), TensorKind::kWeight}};
  };
  checkpoint.groups["model"] = of(1);
  checkpoint.groups["optimizer"] = {{"first_moment.conv.weight", at::full({2}, 2.0), {}}};
  checkpoint.groups["terms"] = of(3);
  return checkpoint;
}

TEST(TrainingCheckpointTest, ReadAsAWeightsFileItIsTheNetworkAlone) {
  const TempDir dir;
  ASSERT_OK(WriteTrainingCheckpoint(dir.path() / "last.ckpt", OfARun()));

  const auto file = ReadTensorFile(dir.path() / "last.ckpt");

  ASSERT_OK(file);
  ASSERT_EQ(file->tensors.size(), 1U);
  EXPECT_EQ(file->tensors[0].name, "conv.weight");
  EXPECT_EQ(file->tensors[0].tensor[0].item<double>(), 1);
  EXPECT_EQ(file->metadata.at("wrapped_in"), "model");
}

TEST(TrainingCheckpointTest, ReadAsAWeightsFileOfARunWithAnAverageItIsTheAverage) {
  const TempDir dir;
  TrainingCheckpoint run = OfARun();
  run.groups["average"] = {{"conv.weight", at::full({2}, 4.0), {}}};
  ASSERT_OK(WriteTrainingCheckpoint(dir.path() / "last.ckpt", run));

  const auto file = ReadTensorFile(dir.path() / "last.ckpt");

  ASSERT_OK(file);
  ASSERT_EQ(file->tensors.size(), 1U);
  EXPECT_EQ(file->tensors[0].name, "conv.weight");
  EXPECT_EQ(file->tensors[0].tensor[0].item<double>(), 4);
}

TEST(TrainingCheckpointTest, ReadAsAWeightsFileWithoutANetworkItIsRefused) {
  const TempDir dir;
  TrainingCheckpoint run = OfARun();
  run.groups["model"].clear();
  ASSERT_OK(WriteTrainingCheckpoint(dir.path() / "last.ckpt", run));

  EXPECT_THAT(ReadTensorFile(dir.path() / "last.ckpt"),
              StatusIs(Code::kInvalidArgument, HasSubstr("no network")));
}

}  // namespace
}  // namespace distill::core
