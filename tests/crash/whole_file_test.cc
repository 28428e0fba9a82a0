#include <gmock/gmock.h>

#include <csignal>

#include "tests/crash/program.h"
#include "tests/temp_dir.h"

namespace distill::testing {
namespace {

constexpr size_t kBytes = 1U << 20U;

TEST(WholeFile, IsTheOldOneOrTheNewOneAfterAKillAtEverySystemCall) {
  const TempDir folder;
  const std::filesystem::path file = folder.path() / "file";
  ASSERT_EQ(RunProgram(DISTILL_FILE_WRITER, {file, "a"}, ""), 0);
  char next = 'b';
  for (const std::string& point : FaultPointsOf({"file"})) {
    SCOPED_TRACE(point);
    const std::string before = ContentOf(file);
    ASSERT_EQ(RunProgram(DISTILL_FILE_WRITER, {file, std::string(1, next)}, point), 128 + SIGKILL);

    const bool is_renamed = point == "file.before_directory_sync";
    EXPECT_EQ(ContentOf(file) == before, !is_renamed);
    EXPECT_EQ(ContentOf(file) == std::string(kBytes, next), is_renamed);
    ++next;
  }
  EXPECT_EQ(RunProgram(DISTILL_FILE_WRITER, {file, "z"}, ""), 0);
  EXPECT_EQ(ContentOf(file), std::string(kBytes, 'z'));
}

#ifdef DISTILL_CHECKPOINT_WRITER

// Where the writes of one checkpoint can be cut: a header and two tensors make three of a kind.
std::vector<std::string> CheckpointFaults() {
  std::vector<std::string> faults = FaultPointsOf({"file", "checkpoint"});
  for (const char* second :
       {"file.before_write:2", "file.torn_write:2", "file.before_write:3", "file.torn_write:3"}) {
    faults.emplace_back(second);
  }
  return faults;
}

TEST(WholeFile, OfACheckpointIsThereAfterAKillAtEverySystemCall) {
  const TempDir folder;
  const std::string place = folder.path();
  ASSERT_EQ(RunProgram(DISTILL_CHECKPOINT_WRITER, {"write", place, "1"}, ""), 0);
  int written = 1;
  for (const std::string& fault : CheckpointFaults()) {
    SCOPED_TRACE(fault);
    const std::string next = std::to_string(written + 1);
    ASSERT_EQ(RunProgram(DISTILL_CHECKPOINT_WRITER, {"write", place, next}, fault), 128 + SIGKILL);
    const std::filesystem::path answer = folder.path() / (fault + ".answer");
    ASSERT_EQ(RunProgram(DISTILL_CHECKPOINT_WRITER, {"read", place}, "", answer), 0)
        << ContentOf(answer);

    const int found = std::stoi(ContentOf(answer));
    EXPECT_TRUE(found == written || found == written + 1) << found;
    written = found;
  }
}

#endif

}  // namespace
}  // namespace distill::testing
