#include "server/rpc/live_streams.h"

#include <utility>

namespace distill::server {

int64_t LiveStreams::Add(std::shared_ptr<LiveStream> stream) {
  int64_t number = 0;
  bool is_late = false;
  {
    MutexLock lock(mutex_);
    number = next_number_++;
    streams_.emplace(number, stream);
    is_late = is_finishing_;
  }
  if (is_late) stream->FinishSoon();
  return number;
}

void LiveStreams::Remove(int64_t number) {
  std::shared_ptr<LiveStream> removed;  // destroyed without the lock
  MutexLock lock(mutex_);
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  removed = std::move(found->second);
  streams_.erase(found);
  changed_.NotifyAll();
}

std::map<int64_t, std::shared_ptr<LiveStream>> LiveStreams::Snapshot() {
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
  for (const auto& [number, stream] : Snapshot()) stream->FinishSoon();
  if (WaitUntilEmpty(grace)) return;
  for (const auto& [number, stream] : Snapshot()) stream->BreakOff();
  WaitUntilEmpty(grace);
}

}  // namespace distill::server
