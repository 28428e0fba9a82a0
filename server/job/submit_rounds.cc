#include "server/job/submit_rounds.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>

namespace distill::server {

bool SubmitRounds::IsAnswered(const SubmitTurn& turn) const {
  const auto is_it = [&](const SubmitTurn* other) { return other == &turn; };
  return std::none_of(under_way_.begin(), under_way_.end(), is_it) &&
         std::none_of(waiting_.begin(), waiting_.end(), is_it);
}

size_t SubmitRounds::num_waiting() {
  const MutexLock lock(mutex_);
  return waiting_.size();
}

// What escapes the handler (no memory) is the answer: a round that stayed open would hold up all
// that come after it.
void SubmitRounds::Answer(const Round& round) const {
  try {
    handler_(round);
  } catch (const std::exception& error) {
    const Status failed(Code::kInternal, std::string("cannot store the jobs: ") + error.what());
    for (SubmitTurn* turn : round) {
      if (!turn->answer) turn->answer = failed;
    }
  }
}

void SubmitRounds::Take(SubmitTurn& turn) {
  mutex_.lock();
  waiting_.push_back(&turn);
  while (!IsAnswered(turn)) {
    if (!under_way_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    under_way_.swap(waiting_);
    const Round round = under_way_;
    mutex_.unlock();
    Answer(round);
    mutex_.lock();
    const auto is_left = [](const SubmitTurn* other) { return !other->answer.has_value(); };
    Round left;
    std::copy_if(round.begin(), round.end(), std::back_inserter(left), is_left);
    waiting_.insert(waiting_.begin(), left.begin(), left.end());
    under_way_.clear();
    changed_.NotifyAll();
  }
  mutex_.unlock();
}

}  // namespace distill::server
