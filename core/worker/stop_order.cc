#include "core/worker/stop_order.h"

#include <csignal>

namespace distill::core {
namespace {

volatile std::sig_atomic_t stop_was_ordered = 0;

void OnStopSignal(int) { stop_was_ordered = 1; }

}  // namespace

void CatchStopSignals() {
  struct sigaction action {};
  action.sa_handler = OnStopSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  // A file over its limit is an error to report, not an end.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool StopWasOrdered() { return stop_was_ordered != 0; }

}  // namespace distill::core
