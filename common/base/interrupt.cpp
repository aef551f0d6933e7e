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

}  // namespace

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

bool is_interrupted() { return g_signal != 0; }

void throw_if_interrupted() {
  if (is_interrupted())
    throw Error(ErrorKind::interrupted, "interrupted; finished work is on disk, the same command goes on from there");
}

}  // namespace boxseg
