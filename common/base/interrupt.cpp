#include "common/base/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "common/base/error.h"

namespace boxseg {
namespace {

volatile std::sig_atomic_t g_signal = 0;

void remember(int signal) {
  if (g_signal == SIGINT && signal == SIGINT) _exit(static_cast<int>(ErrorKind::interrupted));
  g_signal = signal;
}

void end(int) {
  constexpr char kText[] = "interrupted; the same command starts again\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
  _exit(static_cast<int>(ErrorKind::interrupted));
}

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

sigset_t all_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kSignals) sigaddset(&set, signal);
  return set;
}

void handle_with(void (*handler)(int)) {
  for (const int signal : kSignals) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace

void end_when_interrupted() {
  handle_with(end);
  std::signal(SIGXFSZ, SIG_IGN);
  const sigset_t set = all_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void hold_interrupts() {
  const sigset_t set = all_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void watch_interrupts() { handle_with(remember); }

bool is_interrupted() { return g_signal != 0; }

void throw_if_interrupted() {
  if (is_interrupted())
    throw Error(ErrorKind::interrupted, "interrupted; finished work is on disk, the same command goes on from there");
}

}  // namespace boxseg
