#include <gmock/gmock.h>

#include <csignal>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"

namespace distill::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kMostInterruptions = 1000;  // of one job: as many as a request may say

// A UUID for each label.
std::string RequestIdOf(const std::string& label) {
  std::string digits = std::to_string(std::hash<std::string>()(label));
  digits = std::string(32 - digits.size(), '0') + digits;
  for (const size_t place : {8, 13, 18, 23}) digits.insert(place, "-");
  return digits;
}

class SubmitSurvives : public CrashLab {
 protected:
  // Submits until a call fails, `most` at the most; one that failed in an earlier daemon comes
  // first.
  void SubmitUntilItFails(int most) {
    for (int i = 0; i < most; ++i) {
      const std::string label =
          unanswered_.empty() ? std::to_string(num_submitted_++) : *unanswered_.begin();
      unanswered_.insert(label);
      v1::Job request = TrainRequest(label);
      // One may be hit again and again.
      request.mutable_retry()->set_max_interruptions(kMostInterruptions);
      const auto job = Submit(request, RequestIdOf(label));
      if (!job.ok()) {
        EXPECT_EQ(job.status().code(), Code::kUnavailable) << job.status().ToString();
        return;
      }
      unanswered_.erase(label);
      acknowledged_[label] = job->id();
    }
  }

  std::map<std::string, std::string> acknowledged_;  // label to id
  std::set<std::string> unanswered_;
  int num_submitted_ = 0;
};

TEST_F(SubmitSurvives, EveryFaultPointLosesNothingAcknowledgedAndDoublesNothing) {
  const std::vector<std::string> points = FaultPointsOf({"rpc", "store", "run", "file"});
  std::mt19937 random(Seed(1));
  const int num_cycles = NumCycles(static_cast<int>(points.size()));
  int num_deaths = 0;
  for (int cycle = 0; cycle < num_cycles && !HasFailure(); ++cycle) {
    const std::string& point = points[static_cast<size_t>(cycle) % points.size()];
    const std::string fault = point + ":" + std::to_string(1 + random() % 4);
    SCOPED_TRACE(fault);
    if (StartDaemon(fault)) SubmitUntilItFails(5);
    num_deaths += EndDaemon(SIGTERM) == 128 + SIGKILL ? 1 : 0;
  }
  EXPECT_GE(num_deaths, num_cycles / 2);

  ASSERT_TRUE(StartDaemon());
  while (!unanswered_.empty() && !HasFailure()) SubmitUntilItFails(1);
  const auto jobs = ListAll();
  ASSERT_TRUE(jobs.ok());
  std::map<std::string, std::string> found;
  for (const v1::Job& job : *jobs) found[job.labels().at("submission")] = job.id();
  EXPECT_THAT(*jobs, SizeIs(acknowledged_.size()));
  EXPECT_EQ(found, acknowledged_);
  for (const auto& [label, id] : acknowledged_) AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_THAT(ProcessesIn(folder()), IsEmpty());
}

using RequestId = CrashLab;

TEST_F(RequestId, SixtyFourClientsAndARestartGiveOneJob) {
  ASSERT_TRUE(StartDaemon());
  constexpr size_t kClients = 64;
  std::vector<std::string> ids(kClients);
  std::vector<std::thread> clients;
  for (std::string& id : ids) {
    clients.emplace_back([this, &id] {
      const auto job = Submit(TrainRequest("one"), RequestIdOf("one"));
      id = job.ok() ? job->id() : job.status().ToString();
    });
  }
  for (std::thread& client : clients) client.join();
  EndDaemon(SIGKILL);
  ASSERT_TRUE(StartDaemon());
  const auto again = Submit(TrainRequest("one"), RequestIdOf("one"));

  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_THAT(ids, ::testing::Each(again->id()));
  EXPECT_THAT(*ListAll(), SizeIs(1));
  const auto other = Submit(TrainRequest("another"), RequestIdOf("one"));
  EXPECT_EQ(other.status().code(), Code::kInvalidArgument);
}

TEST_F(RequestId, AJobStoredButNotAnsweredIsTheAnswerToTheNextTry) {
  ASSERT_TRUE(StartDaemon("rpc.before_reply"));
  ASSERT_FALSE(Submit(TrainRequest("one"), RequestIdOf("one")).ok());
  EXPECT_EQ(EndDaemon(0), 128 + SIGKILL);
  ASSERT_TRUE(StartDaemon());

  const auto again = Submit(TrainRequest("one"), RequestIdOf("one"));

  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_THAT(*ListAll(), SizeIs(1));
}

using FaultVariable = CrashLab;

TEST_F(FaultVariable, OfAnUnknownPointEndsTheProgram) {
  EXPECT_FALSE(StartDaemon("store.before_comit"));
  EXPECT_EQ(EndDaemon(0), 2);
  EXPECT_THAT(DaemonLog(), ::testing::HasSubstr("store.before_comit"));
}

}  // namespace
}  // namespace distill::testing
