#include "common/runtime/exit_deadline.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// Returns the exit code of a child that is told to end while it works for `work_s` seconds; 0 when it ended its work.
int exit_code_of_interrupted(double deadline_s, double work_s) {
  const pid_t child = ::fork();
  if (child == 0) {
    set_log_level(LogLevel::silent);
    watch_interrupts();
    {
      const ExitDeadline deadline(deadline_s);
      ::raise(SIGTERM);
      const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(work_s);
      while (std::chrono::steady_clock::now() < end) ::usleep(10000);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("work that outlasts the deadline after SIGTERM is cut with exit code 75") {
  CHECK(exit_code_of_interrupted(0.1, 20) == 75);
  CHECK(exit_code_of_interrupted(20, 0.5) == 0);
}
