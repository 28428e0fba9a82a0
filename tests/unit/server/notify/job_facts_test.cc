#include "server/notify/job_facts.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace distill::server {
namespace {

using nlohmann::json;

JobRecord FailedJob() {
  JobRecord job;
  job.id = 7;
  job.spec.name = "teacher";
  job.spec.owner = "ada";
  job.spec.model = "resnet50";
  job.spec.dataset = "birds";
  job.spec.labels = {{"project", "a \"b\""}};
  job.state = JobState::kFailed;
  job.cause = Cause::kOutOfMemory;
  job.actor = "worker";
  job.message = "out of memory";
  job.devices = {"cpu", "cpu:1"};
  job.num_attempts = 2;
  job.created_at_unix_ms = 1'700'000'000'000;
  return job;
}

// 1,700,000,000 is 2023-11-14 22:13:20 UTC (date -u -d @1700000000).
TEST(JobFactsTest, TellWhatHappenedToWhichJob) {
  const json facts = json::parse(JobFactsJson(FailedJob(), JobState::kRunning, 1'700'000'001'500));

  EXPECT_EQ(facts["event"], "job_state");
  EXPECT_EQ(facts["at"], "2023-11-14T22:13:21Z");
  EXPECT_EQ(facts["from"], "RUNNING");
  EXPECT_EQ(facts["to"], "FAILED");
  EXPECT_EQ(facts["cause"], "OUT_OF_MEMORY");
  EXPECT_EQ(facts["actor"], "worker");
  EXPECT_EQ(facts["message"], "out of memory");
  EXPECT_EQ(facts["job"]["id"], "7");
  EXPECT_EQ(facts["job"]["name"], "teacher");
  EXPECT_EQ(facts["job"]["kind"], "train");
  EXPECT_EQ(facts["job"]["device"], "cpu");
  EXPECT_EQ(facts["job"]["devices"], json({"cpu", "cpu:1"}));
  EXPECT_EQ(facts["job"]["labels"]["project"], "a \"b\"");
  EXPECT_EQ(facts["job"]["created_at"], "2023-11-14T22:13:20Z");
  EXPECT_TRUE(facts["job"]["finished_at"].is_null());
}

TEST(JobFactsTest, ANewJobCameFromNowhere) {
  EXPECT_TRUE(json::parse(JobFactsJson({}, std::nullopt, 1))["from"].is_null());
}

TEST(JobFactsTest, TextThatIsNotUtf8IsStillJson) {
  JobRecord job = FailedJob();
  job.message = "file \xE9.jpg";

  EXPECT_EQ(json::parse(JobFactsJson(job, std::nullopt, 1))["message"], "file \xEF\xBF\xBD.jpg");
}

}  // namespace
}  // namespace distill::server
