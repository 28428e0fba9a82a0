#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "core/base/mutex.h"

namespace distill::server {

/// A stream that can be ended from outside.
class LiveStream {
 public:
  virtual ~LiveStream() = default;

  /// Ends the stream with UNAVAILABLE as soon as its write under way is done.
  virtual void FinishSoon() = 0;
  /// Breaks the call off: for a client that does not read.
  virtual void BreakOff() = 0;
};

/// The streams that are open: a server waits for ever for one that nobody finishes. Thread-safe.
class LiveStreams {
 public:
  /// Keeps `stream` until Remove. Returns its number. Streams that are added after FinishAll() are
  /// finished at once.
  int64_t Add(std::shared_ptr<LiveStream> stream);
  void Remove(int64_t number);

  /// Finishes all streams, and those to come. After `grace`, breaks off those that are still open.
  /// Blocks until all are gone, at most twice `grace`.
  void FinishAll(std::chrono::milliseconds grace);

 private:
  std::map<int64_t, std::shared_ptr<LiveStream>> Snapshot() EXCLUDES(mutex_);
  bool WaitUntilEmpty(std::chrono::milliseconds timeout) EXCLUDES(mutex_);

  Mutex mutex_;
  ConditionVariable changed_;
  int64_t next_number_ GUARDED_BY(mutex_) = 1;
  bool is_finishing_ GUARDED_BY(mutex_) = false;
  std::map<int64_t, std::shared_ptr<LiveStream>> streams_ GUARDED_BY(mutex_);
};

}  // namespace distill::server
