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

// Returns the number of the signal that came, or nothing after `interval`.
std::optional<int> WaitOnce(const sigset_t& signals,
                            std::optional<std::chrono::milliseconds> interval) {
  int number = 0;
  if (!interval) {
    if (::sigwait(&signals, &number) != 0) return std::nullopt;
    return number;
  }
  constexpr int64_t kMillisPerSecond = 1000;
  constexpr int64_t kNanosPerMilli = 1'000'000;
  timespec limit{};
  limit.tv_sec = interval->count() / kMillisPerSecond;
  limit.tv_nsec = interval->count() % kMillisPerSecond * kNanosPerMilli;
  number = ::sigtimedwait(&signals, nullptr, &limit);
  if (number < 0) return std::nullopt;
  return number;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void AskToStop() { ::kill(::getpid(), SIGTERM); }

int WaitForStopSignal(std::optional<std::chrono::milliseconds> interval,
                      const std::function<void()>& on_tick) {
  const sigset_t signals = StopSignals();
  std::optional<int> number;
  while (!(number = WaitOnce(signals, interval))) {
    if (interval) on_tick();
  }
  std::signal(SIGTERM, LeaveAtOnce);
  std::signal(SIGINT, LeaveAtOnce);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return *number;
}

}  // namespace distill::server
