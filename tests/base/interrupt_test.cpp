// These tests send signals to programs.
#include "common/base/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "tests/base/capture.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

// Runs `call` in a child that is silent and has a limit on its time; returns its exit code.
template <class Call>
int exit_code_of(const Call& call) {
  return exit_code_of_child([&] {
    std::fclose(stderr);
    ::close(STDERR_FILENO);
    ::alarm(20);
    return call();
  });
}

}  // namespace

TEST_CASE("A signal ends a program that saves nothing with exit code 75", "[cpu]") {
  for (const int signal : kSignals) {
    CAPTURE(signal);
    REQUIRE(exit_code_of([&] {
              end_when_interrupted();
              ::raise(signal);
              return 1;
            }) == 75);
  }
}

TEST_CASE("A program that saves its work goes on after a signal, and knows of it", "[cpu]") {
  for (const int signal : kSignals) {
    CAPTURE(signal);
    REQUIRE(exit_code_of([&] {
              end_when_interrupted();
              watch_interrupts();
              if (is_interrupted()) return 1;
              ::raise(signal);
              return is_interrupted() && failure_of([] { throw_if_interrupted(); }).kind == ErrorKind::interrupted ? 0
                                                                                                                   : 2;
            }) == 0);
  }
}

TEST_CASE("What nohup started lives on after SIGHUP", "[cpu]") {
  REQUIRE(exit_code_of([] {
            std::signal(SIGHUP, SIG_IGN);
            end_when_interrupted();
            watch_interrupts();
            ::raise(SIGHUP);
            return is_interrupted() ? 1 : 0;
          }) == 0);
}
