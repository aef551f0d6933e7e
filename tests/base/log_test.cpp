// These tests are on logging, progress and interrupts.
#include "common/base/log.h"

#include <csignal>
#include <thread>

#include "common/base/interrupt.h"
#include "common/runtime/exit_deadline.h"
#include "tests/base/capture.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("Log lines below the level are not printed", "[cpu]") {
  const LogLevel before = log_level();
  const std::string text = printed(STDERR_FILENO, [] {
    set_log_level(LogLevel::warning);
    log_info("{} not shown", 1);
    log_warning("{} boxes clipped", 3);
    set_log_level(LogLevel::debug);
    log_debug("detail");
    set_log_level(LogLevel::silent);
    log_text(LogLevel::error, "not shown either");
  });
  set_log_level(before);
  REQUIRE(text == "warning: 3 boxes clipped\ndetail\n");
  REQUIRE(parse_log_level("error") == LogLevel::error);
  REQUIRE(failure_of([] { parse_log_level("loud"); }).mentions("'loud' is not one of debug, info"));
}

TEST_CASE("Names with control characters do not move the cursor", "[cpu]") {
  const std::string text = printed(STDERR_FILENO, [] {
    log_warning("{}: is damaged", "a\x1b]0;title\x07.jpg");
    Progress progress("label \x1b[31mred", 1);
    progress.advance(1, "note");
  });
  REQUIRE(text.find("a\\x1B]0;title\\x07.jpg: is damaged") != std::string::npos);
  REQUIRE(text.find("label \\x1B[31mred 1/1") != std::string::npos);
  REQUIRE(text.find('\x1b') == std::string::npos);
}

TEST_CASE("Durations read like durations", "[cpu]") {
  REQUIRE(format_duration(0.04) == "0.0 s");
  REQUIRE(format_duration(4.12) == "4.1 s");
  REQUIRE(format_duration(59.4) == "59 s");
  REQUIRE(format_duration(59.6) == "1 min 00 s");
  REQUIRE(format_duration(200) == "3 min 20 s");
  REQUIRE(format_duration(3720) == "1 h 02 min");
}

TEST_CASE("Progress into a file is one plain line at the end, counting from where the work resumed", "[cpu]") {
  const std::string text = printed(STDERR_FILENO, [] {
    Progress progress("labels", 10, 4);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    for (int i = 0; i < 6; ++i) progress.advance(1, "note " + std::to_string(i));
  });
  REQUIRE(text.substr(0, 14) == "labels 10/10  ");
  REQUIRE(text.find("\r") == std::string::npos);
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 1);
  REQUIRE(text.find("  in 0.1 s  note 5\n") != std::string::npos);
  const double rate = std::stod(text.substr(14));  // counts 6 pieces, not 10, in about 60 ms
  REQUIRE(rate <= 100);
}

TEST_CASE("Progress that ends early says how far it came", "[cpu]") {
  const std::string text = printed(STDERR_FILENO, [] { Progress("labels", 10).advance(3); });
  REQUIRE(text.substr(0, 11) == "labels 3/10");
}

TEST_CASE("SIGTERM is remembered and becomes exit code 75 where the program looks", "[cpu]") {
  const int code = exit_code_of_child([] {
    watch_interrupts();
    if (is_interrupted()) return 1;
    throw_if_interrupted();
    std::raise(SIGTERM);
    if (!is_interrupted()) return 2;
    const Failure failure = failure_of([] { throw_if_interrupted(); });
    return failure.kind == ErrorKind::interrupted ? 75 : 3;
  });
  REQUIRE(code == 75);
}

TEST_CASE("A second Ctrl-C ends the program at once, with the same exit code", "[cpu]") {
  const int code = exit_code_of_child([] {
    watch_interrupts();
    std::raise(SIGINT);
    std::raise(SIGINT);
    return 1;
  });
  REQUIRE(code == 75);
}

TEST_CASE("The exit deadline ends work that goes on after an interrupt, and only then", "[cpu]") {
  const auto run = [](bool is_signalled) {
    return exit_code_of_child([=] {
      set_log_level(LogLevel::silent);
      watch_interrupts();
      const ExitDeadline deadline(0.3);
      if (is_signalled) std::raise(SIGTERM);
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      return 0;
    });
  };
  REQUIRE(run(true) == 75);
  REQUIRE(run(false) == 0);
}
