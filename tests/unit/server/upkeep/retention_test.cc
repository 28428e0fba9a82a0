#include "server/upkeep/retention.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/server/store/store_fixture.h"

namespace distill::server {
namespace {

class RetentionTest : public StoreFixture {
 protected:
  std::filesystem::path Make(JobId job, const std::string& name) {
    const auto file = state_directory() / "runs" / std::to_string(job) / "1" / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << "content";
    return file;
  }
};

TEST_F(RetentionTest, RemovesTheCheckpointsOfEndedJobsAndNothingElse) {
  const JobId ended = InsertStarted("ended");
  const JobId running = InsertStarted("running");
  Move(ended, JobState::kStarting, JobState::kFailed);
  const auto kept = {Make(ended, "journal"), Make(ended, "best.safetensors"),
                     Make(ended, "worker.log"), Make(running, "last.ckpt")};
  const auto removed = Make(ended, "last.ckpt");
  RetentionPolicy policy;
  policy.checkpoint_age = std::chrono::hours(1);
  clock().Advance(std::chrono::hours(2));

  Retention retention(state_directory(), store(), clock(), policy);
  EXPECT_OK(retention.RunOnce());

  EXPECT_FALSE(std::filesystem::exists(removed));
  for (const auto& file : kept) EXPECT_TRUE(std::filesystem::exists(file)) << file;
}

TEST_F(RetentionTest, AFileWithHolesCountsForWhatItTakesOfTheDisk) {
  const JobId ended = InsertStarted("ended");
  Move(ended, JobState::kStarting, JobState::kFailed);
  const auto checkpoint = Make(ended, "last.ckpt");
  const auto log = Make(ended, "worker.log");
  std::filesystem::resize_file(log, uintmax_t{8} << 30U);  // as one that was cut at its front
  RetentionPolicy policy;
  policy.max_bytes = int64_t{1} << 30U;

  Retention retention(state_directory(), store(), clock(), policy);
  EXPECT_OK(retention.RunOnce());

  EXPECT_TRUE(std::filesystem::exists(checkpoint));
  EXPECT_TRUE(std::filesystem::exists(log));
  const auto survey = SurveyRuns(state_directory(), store(), policy, clock().UnixMillis());
  ASSERT_OK(survey);
  EXPECT_LT(survey->use.used_bytes, int64_t{1} << 20U);
}

TEST_F(RetentionTest, ManyBytesOnTheDiskCount) {
  constexpr int64_t kBytes = int64_t{3} << 20U;
  const JobId ended = InsertStarted("ended");
  Move(ended, JobState::kStarting, JobState::kFailed);
  std::ofstream(Make(ended, "last.ckpt")) << std::string(kBytes, 'x');

  const auto survey =
      SurveyRuns(state_directory(), store(), RetentionPolicy(), clock().UnixMillis());

  ASSERT_OK(survey);
  EXPECT_GE(survey->use.used_bytes, kBytes);
  EXPECT_LT(survey->use.used_bytes, kBytes + (int64_t{1} << 20U));
}

}  // namespace
}  // namespace distill::server
