#include "server/app/stop_signals.h"

#include <unistd.h>

#include <csignal>

namespace distill::server {
namespace {

constexpr int kExitFailedWhileRunning = 5;

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Runs in a signal handler: only async-signal-safe calls.
void LeaveAtOnce(int) { ::_exit(kExitFailedWhileRunning); }

}  // namespace

void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int WaitForStopSignal() {
  const sigset_t signals = StopSignals();
  int number = 0;
  while (::sigwait(&signals, &number) != 0) {
  }
  std::signal(SIGTERM, LeaveAtOnce);
  std::signal(SIGINT, LeaveAtOnce);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return number;
}

}  // namespace distill::server
