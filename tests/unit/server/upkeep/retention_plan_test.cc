#include "server/upkeep/retention_plan.h"

#include <gmock/gmock.h>

#include <string>

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = RunFile::Kind;

constexpr int64_t kHourMs = 3'600'000;
constexpr DiskUse kAmple{100, 1'000};

RunFile File(const std::string& name, Kind kind, int64_t ended_at_unix_ms) {
  return {1, ended_at_unix_ms, kind, name, 10};
}

std::vector<std::string> Removed(const std::vector<RunFile>& files, const DiskUse& use,
                                 const RetentionPolicy& policy, int64_t now_unix_ms) {
  std::vector<std::string> names;
  for (const RunFile& file : FilesToRemove(files, use, policy, now_unix_ms)) {
    names.push_back(file.path.string());
  }
  return names;
}

const std::vector<RunFile> kFiles = {
    File("new.log", Kind::kLog, 9 * kHourMs), File("old.log", Kind::kLog, kHourMs),
    File("new.ckpt", Kind::kCheckpoint, 9 * kHourMs), File("old.ckpt", Kind::kCheckpoint, kHourMs),
    File("old.safetensors", Kind::kModel, kHourMs)};

TEST(RetentionPlanTest, WithoutLimitsNothingGoes) {
  EXPECT_THAT(Removed(kFiles, kAmple, {}, 1'000 * kHourMs), IsEmpty());
}

TEST(RetentionPlanTest, EachKindHasItsAgeAndModelsHaveNone) {
  RetentionPolicy policy;
  policy.checkpoint_age = std::chrono::hours(2);
  EXPECT_THAT(Removed(kFiles, kAmple, policy, 10 * kHourMs), ElementsAre("old.ckpt"));

  policy.log_age = std::chrono::hours(2);
  policy.may_remove_models = true;
  EXPECT_THAT(Removed(kFiles, kAmple, policy, 10 * kHourMs), ElementsAre("old.ckpt", "old.log"));
}

TEST(RetentionPlanTest, SizeTakesCheckpointsThenLogsOldestFirstAndStopsInTime) {
  RetentionPolicy policy;
  policy.max_bytes = 75;

  EXPECT_THAT(Removed(kFiles, kAmple, policy, 10 * kHourMs),
              ElementsAre("old.ckpt", "new.ckpt", "old.log"));
}

TEST(RetentionPlanTest, AShortDiskTakesModelsOnlyWhereAllowed) {
  RetentionPolicy policy;
  policy.min_free_bytes = 1'000'000;
  EXPECT_THAT(Removed(kFiles, kAmple, policy, 10 * kHourMs),
              ElementsAre("old.ckpt", "new.ckpt", "old.log", "new.log"));

  policy.may_remove_models = true;
  EXPECT_THAT(Removed(kFiles, kAmple, policy, 10 * kHourMs),
              ElementsAre("old.ckpt", "new.ckpt", "old.log", "new.log", "old.safetensors"));
}

TEST(RetentionPlanTest, AClockThatJumpedBackRemovesNothing) {
  RetentionPolicy policy;
  policy.checkpoint_age = std::chrono::hours(2);

  EXPECT_THAT(Removed(kFiles, kAmple, policy, 0), IsEmpty());
}

}  // namespace
}  // namespace distill::server
