#pragma once

#include <thread>

#include "client/cancellation.h"

namespace distill::client {

/// Turns SIGINT and SIGTERM into Cancellation::Cancel(). When nothing listens to the cancellation,
/// or at the second signal, the process ends at once with exit code 130.
///
/// Make it before any other thread: it blocks the signals for the threads made after it.
/// `cancellation` must outlive it.
class InterruptListener {
 public:
  explicit InterruptListener(Cancellation& cancellation);
  ~InterruptListener();
  InterruptListener(const InterruptListener&) = delete;
  InterruptListener& operator=(const InterruptListener&) = delete;

 private:
  std::thread thread_;
};

}  // namespace distill::client
