#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/base/mutex.h"
#include "core/base/status.h"

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

/// How many streams may be open at a time.
struct StreamLimits {
  int64_t total = 2'000;
  int64_t per_user = 200;
};

/// The streams that are open: a server waits for ever for one that nobody finishes. Thread-safe.
class LiveStreams {
 public:
  explicit LiveStreams(const StreamLimits& limits = {}) : limits_(limits) {}

  /// What Add says of a stream.
  struct Admission {
    int64_t number = 0;  // for Remove
    Status status;       // kResourceExhausted: too many are open; the stream must end with that
  };

  /// Keeps `stream` until Remove, also one that must end at once. Streams that are added after
  /// FinishAll() are finished at once.
  Admission Add(std::shared_ptr<LiveStream> stream);
  /// Notes whose stream it is, once that is known. kResourceExhausted: too many of `user` are open;
  /// the stream must end.
  Status Claim(int64_t number, const std::string& user) EXCLUDES(mutex_);
  void Remove(int64_t number);

  /// Finishes all streams, and those to come. After `grace`, breaks off those that are still open.
  /// Blocks until all are gone, at most twice `grace`.
  void FinishAll(std::chrono::milliseconds grace);

 private:
  struct Entry {
    std::shared_ptr<LiveStream> stream;
    std::string user;  // "" = not known yet
  };

  std::map<int64_t, Entry> Snapshot() EXCLUDES(mutex_);
  bool WaitUntilEmpty(std::chrono::milliseconds timeout) EXCLUDES(mutex_);

  const StreamLimits limits_;
  Mutex mutex_;
  ConditionVariable changed_;
  int64_t next_number_ GUARDED_BY(mutex_) = 1;
  bool is_finishing_ GUARDED_BY(mutex_) = false;
  std::map<int64_t, Entry> streams_ GUARDED_BY(mutex_);
  std::map<std::string, int64_t> num_of_user_ GUARDED_BY(mutex_);
};

}  // namespace distill::server
