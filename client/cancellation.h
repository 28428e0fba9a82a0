#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

namespace distill::client {

/// Tells blocked calls that the user wants to leave. Thread-safe.
class Cancellation {
 public:
  /// Calls `on_cancel` when Cancel() comes, at once if it came already, for as long as the
  /// registration lives. `on_cancel` must not block nor touch the Cancellation.
  class Registration {
   public:
    Registration(Cancellation& cancellation, std::function<void()> on_cancel);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    Cancellation& cancellation_;
    int id_;
  };

  void Cancel();
  bool is_cancelled() const;

  /// Returns true while something is registered or waits: a cancel will be noticed.
  bool has_listener() const;

  /// Waits for `duration`, or until Cancel(). Returns true when cancelled. Blocks.
  bool WaitFor(std::chrono::milliseconds duration);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool is_cancelled_ = false;
  int next_id_ = 0;
  int num_waiting_ = 0;
  std::map<int, std::function<void()>> listeners_;
};

}  // namespace distill::client
