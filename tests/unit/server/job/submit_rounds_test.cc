#include "server/job/submit_rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"

namespace distill::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Rounds whose first one goes on until it is let go.
class SubmitRoundsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    LetGo();
    JoinAll();
  }

  void Handle(const SubmitRounds::Round& round) {
    const MutexLock lock(mutex_);
    std::vector<std::string> ids;
    for (const SubmitTurn* turn : round) ids.push_back(turn->request.request_id);
    rounds_.push_back(ids);
    while (!may_go_on_) changed_.Wait(mutex_);
    size_t num_answered = 0;
    for (SubmitTurn* turn : round) {
      if (num_answered++ < max_answers_) turn->answer = std::vector<JobRecord>();
    }
  }

  // Submits in a thread of its own. Only the first comes to the handler at once.
  void Submit(const std::string& id) {
    threads_.emplace_back([this, id] {
      SubmitTurn turn{{jobs_, id, none_}, std::nullopt};
      submits_.Take(turn);
      EXPECT_TRUE(turn.answer.has_value());
    });
  }

  void AwaitRounds(size_t count) {
    ASSERT_TRUE(testing::Eventually(std::chrono::seconds(20), [&] {
      const MutexLock lock(mutex_);
      return rounds_.size() >= count;
    }));
  }

  void LetGo() {
    const MutexLock lock(mutex_);
    may_go_on_ = true;
    changed_.NotifyAll();
  }

  void JoinAll() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const std::vector<JobSpec> jobs_;
  const std::string none_;
  size_t max_answers_ = 1'000;  // in a round
  Mutex mutex_;
  ConditionVariable changed_;
  bool may_go_on_ = false;
  std::vector<std::vector<std::string>> rounds_;
  SubmitRounds submits_{[this](const SubmitRounds::Round& round) { Handle(round); }};
  std::vector<std::thread> threads_;
};

TEST_F(SubmitRoundsTest, ThoseThatComeWhileARoundIsUnderWayAreTheNext) {
  Submit("first");
  AwaitRounds(1);
  for (int index = 0; index < 8; ++index) Submit("later");
  ASSERT_TRUE(
      testing::Eventually(std::chrono::seconds(20), [&] { return submits_.num_waiting() == 8; }));

  LetGo();
  JoinAll();

  EXPECT_THAT(rounds_, ElementsAre(SizeIs(1), SizeIs(8)));
}

TEST_F(SubmitRoundsTest, ThoseThatARoundLeavesAreTheFirstOfTheNext) {
  max_answers_ = 1;
  Submit("first");
  AwaitRounds(1);
  size_t num_waiting = 0;
  for (const char* const id : {"second", "third"}) {
    Submit(id);
    ++num_waiting;
    ASSERT_TRUE(testing::Eventually(std::chrono::seconds(20),
                                    [&] { return submits_.num_waiting() == num_waiting; }));
  }

  LetGo();
  JoinAll();

  EXPECT_THAT(rounds_, ElementsAre(ElementsAre("first"), ElementsAre("second", "third"),
                                   ElementsAre("third")));
}

TEST_F(SubmitRoundsTest, AHandlerThatThrowsAnswersItsRoundAndTheNextGoesOn) {
  bool is_first = true;
  SubmitRounds submits([&](const SubmitRounds::Round& round) {
    if (std::exchange(is_first, false)) throw std::runtime_error("no memory");
    for (SubmitTurn* turn : round) turn->answer = std::vector<JobRecord>();
  });
  SubmitTurn first{{jobs_, "first", none_}, std::nullopt};
  SubmitTurn second{{jobs_, "second", none_}, std::nullopt};

  submits.Take(first);
  submits.Take(second);

  EXPECT_THAT(*first.answer, testing::StatusIs(Code::kInternal, HasSubstr("no memory")));
  EXPECT_THAT(*second.answer, testing::IsOk());
}

}  // namespace
}  // namespace distill::server
