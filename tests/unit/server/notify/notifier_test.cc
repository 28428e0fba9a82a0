#include "server/notify/notifier.h"

#include <gmock/gmock.h>

#include <map>
#include <utility>

#include "tests/eventually.h"
#include "tests/fakes/fake_clock.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Fate = NotificationObserver::Fate;

constexpr std::chrono::seconds kLong{30};

// What a sender got, and what it answers. Outlives the notifier.
struct Mailbox {
  std::vector<std::string> Received() {
    const MutexLock lock(mutex);
    return received;
  }

  Mutex mutex;
  ConditionVariable changed;
  std::vector<std::string> received;
  std::deque<Status> answers;  // then OK
  bool is_stuck = false;
};

class FakeSender final : public NotificationSender {
 public:
  explicit FakeSender(Mailbox& mailbox) : mailbox_(mailbox) {}
  std::string_view name() const override { return "fake"; }
  Status Send(const std::string& body, const std::atomic<bool>& is_stopping) override {
    const MutexLock lock(mailbox_.mutex);
    mailbox_.received.push_back(body);
    while (mailbox_.is_stuck && !is_stopping) {
      mailbox_.changed.WaitFor(mailbox_.mutex, std::chrono::milliseconds(1));
    }
    if (mailbox_.answers.empty()) return {};
    Status answer = mailbox_.answers.front();
    mailbox_.answers.pop_front();
    return answer;
  }

 private:
  Mailbox& mailbox_;
};

class Fates final : public NotificationObserver {
 public:
  void OnNotification(std::string_view, Fate fate) override {
    const MutexLock lock(mutex_);
    ++counts_[fate];
  }
  int Of(Fate fate) {
    const MutexLock lock(mutex_);
    return counts_[fate];
  }

 private:
  Mutex mutex_;
  std::map<Fate, int> counts_;
};

class NotifierTest : public ::testing::Test {
 protected:
  void Start(NotifierOptions options = {}) {
    if (options.states.empty()) options.states = {JobState::kSucceeded, JobState::kFailed};
    options.first_backoff = std::chrono::milliseconds(1);
    options.max_backoff = std::chrono::milliseconds(2);
    notifier_ = std::make_unique<Notifier>(options, std::make_unique<FakeSender>(mailbox_), clock_,
                                           &fates_);
  }

  void Move(const std::string& name, JobState to) {
    JobRecord job;
    job.spec.name = name;
    job.state = to;
    notifier_->OnMove(job, JobState::kRunning);
  }

  bool HasReceived(size_t count) {
    return testing::Eventually(kLong, [&] { return mailbox_.Received().size() == count; });
  }

  testing::FakeClock clock_;
  Mailbox mailbox_;
  Fates fates_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, ChangesArriveInTheirOrder) {
  Start();

  Move("a", JobState::kFailed);
  Move("b", JobState::kSucceeded);

  ASSERT_TRUE(HasReceived(2));
  EXPECT_THAT(mailbox_.Received(), ElementsAre(HasSubstr("\"a\""), HasSubstr("\"b\"")));
  EXPECT_TRUE(testing::Eventually(kLong, [&] { return fates_.Of(Fate::kSent) == 2; }));
}

TEST_F(NotifierTest, StatesThatWereNotAskedForAreNotTold) {
  Start();

  Move("a", JobState::kRunning);
  Move("b", JobState::kFailed);

  ASSERT_TRUE(HasReceived(1));
  EXPECT_THAT(mailbox_.Received(), ElementsAre(HasSubstr("\"b\"")));
}

TEST_F(NotifierTest, WhatFailsForNowIsTriedAgain) {
  mailbox_.answers = {{Code::kUnavailable, "down"}, {Code::kUnavailable, "down"}};
  Start();

  Move("a", JobState::kFailed);

  ASSERT_TRUE(HasReceived(3));
  EXPECT_TRUE(testing::Eventually(kLong, [&] { return fates_.Of(Fate::kSent) == 1; }));
  EXPECT_EQ(fates_.Of(Fate::kFailed), 0);
}

TEST_F(NotifierTest, AnotherFailureIsForGoodAndTheNextOneIsSent) {
  mailbox_.answers = {{Code::kFailedPrecondition, "status 404"}};
  Start();

  Move("a", JobState::kFailed);
  Move("b", JobState::kFailed);

  ASSERT_TRUE(HasReceived(2));
  EXPECT_TRUE(testing::Eventually(kLong, [&] { return fates_.Of(Fate::kSent) == 1; }));
  EXPECT_EQ(fates_.Of(Fate::kFailed), 1);
}

TEST_F(NotifierTest, TriesAreLimited) {
  mailbox_.answers.assign(10, {Code::kUnavailable, "down"});
  NotifierOptions options;
  options.max_attempts = 3;
  Start(options);

  Move("a", JobState::kFailed);

  EXPECT_TRUE(testing::Eventually(kLong, [&] { return fates_.Of(Fate::kFailed) == 1; }));
  EXPECT_EQ(mailbox_.Received().size(), 3U);
}

TEST_F(NotifierTest, AStuckSenderHoldsUpNobodyAndWhatIsTooMuchIsDropped) {
  mailbox_.is_stuck = true;
  NotifierOptions options;
  options.max_waiting = 2;
  Start(options);
  Move("first", JobState::kFailed);
  ASSERT_TRUE(HasReceived(1));

  for (int i = 0; i < 5; ++i) Move("later", JobState::kFailed);

  EXPECT_EQ(fates_.Of(Fate::kDropped), 3);
}

TEST_F(NotifierTest, AStoppingDaemonDoesNotWaitForAStuckSender) {
  mailbox_.is_stuck = true;
  Start();
  Move("a", JobState::kFailed);
  Move("b", JobState::kFailed);
  ASSERT_TRUE(HasReceived(1));

  notifier_.reset();

  EXPECT_EQ(mailbox_.Received().size(), 1U);
}

}  // namespace
}  // namespace distill::server
