#include "client/interrupt_listener.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "client/exit_code.h"

namespace distill::client {
namespace {

// Ends the listening thread; never sent by anybody else.
constexpr int kLeave = SIGUSR2;

sigset_t ListenedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, kLeave);
  return signals;
}

void Listen(Cancellation& cancellation) {
  const sigset_t signals = ListenedSignals();
  bool is_second = false;
  while (true) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number == kLeave) return;
    if (is_second || !cancellation.has_listener()) _exit(static_cast<int>(ExitCode::kInterrupted));
    is_second = true;
    cancellation.Cancel();
  }
}

}  // namespace

InterruptListener::InterruptListener(Cancellation& cancellation) {
  const sigset_t signals = ListenedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([&cancellation] { Listen(cancellation); });
}

InterruptListener::~InterruptListener() {
  pthread_kill(thread_.native_handle(), kLeave);
  thread_.join();
}

}  // namespace distill::client
