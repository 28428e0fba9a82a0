#include "server/rpc/live_streams.h"

#include <utility>

namespace distill::server {

LiveStreams::Admission LiveStreams::Add(std::shared_ptr<LiveStream> stream) {
  Admission admission;
  bool is_late = false;
  {
    MutexLock lock(mutex_);
    if (static_cast<int64_t>(streams_.size()) >= limits_.total) {
      admission.status = {Code::kResourceExhausted, "too many streams are open (max_streams: " +
                                                        std::to_string(limits_.total) +
                                                        "): try again later"};
    }
    admission.number = next_number_++;
    streams_.emplace(admission.number, Entry{stream, ""});
    is_late = is_finishing_;
  }
  if (is_late) stream->FinishSoon();
  return admission;
}

Status LiveStreams::Claim(int64_t number, const std::string& user) {
  MutexLock lock(mutex_);
  const auto found = streams_.find(number);
  if (found == streams_.end()) return {};
  int64_t& count = num_of_user_[user];
  if (count >= limits_.per_user) {
    return {Code::kResourceExhausted,
            "too many streams of " + user + " are open (max_streams_per_user: " +
                std::to_string(limits_.per_user) + "): end others (watch, logs -f, downloads)"};
  }
  found->second.user = user;
  ++count;
  return {};
}

void LiveStreams::Remove(int64_t number) {
  Entry removed;  // destroyed without the lock
  MutexLock lock(mutex_);
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  removed = std::move(found->second);
  streams_.erase(found);
  const auto count = num_of_user_.find(removed.user);
  if (count != num_of_user_.end() && --count->second == 0) num_of_user_.erase(count);
  changed_.NotifyAll();
}

std::map<int64_t, LiveStreams::Entry> LiveStreams::Snapshot() {
  MutexLock lock(mutex_);
  return streams_;
}

bool LiveStreams::WaitUntilEmpty(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(mutex_);
  while (!streams_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    changed_.WaitFor(mutex_, end - now);
  }
  return true;
}

void LiveStreams::FinishAll(std::chrono::milliseconds grace) {
  {
    MutexLock lock(mutex_);
    is_finishing_ = true;
  }
  for (const auto& [number, entry] : Snapshot()) entry.stream->FinishSoon();
  if (WaitUntilEmpty(grace)) return;
  for (const auto& [number, entry] : Snapshot()) entry.stream->BreakOff();
  WaitUntilEmpty(grace);
}

}  // namespace distill::server
