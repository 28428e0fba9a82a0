#pragma once

#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/mutex.h"

namespace distill::testing {

/// An HTTP server on a free port of the loopback that keeps what is posted to it. Thread-safe.
class HttpReceiver {
 public:
  /// Statuses of the answers, in order; then 200. Status 0: no answer, until the end.
  explicit HttpReceiver(std::vector<int> statuses = {});
  ~HttpReceiver();
  HttpReceiver(const HttpReceiver&) = delete;
  HttpReceiver& operator=(const HttpReceiver&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  /// Returns the requests so far, heads included.
  std::vector<std::string> requests() const EXCLUDES(mutex_);

 private:
  void Serve();
  void Answer(int connection) EXCLUDES(mutex_);

  FileDescriptor listener_;
  int port_ = 0;
  std::atomic<bool> is_stopping_ = false;
  mutable Mutex mutex_;
  std::deque<int> statuses_ GUARDED_BY(mutex_);
  std::vector<std::string> requests_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace distill::testing
