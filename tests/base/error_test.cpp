// The exit code of each kind of error is a contract with the scripts of others.
#include "common/base/error.h"

#include <new>

#include "common/runtime/program.h"
#include "tests/base/capture.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

int ends_well(int, char**) { return 0; }
int has_usage_error(int, char**) { fail_usage("--size {}: expected 1 to 9", 12); }
int has_bad_input(int, char**) { fail_input("{}: cut short", "a.jpg"); }
int fails(int, char**) {
  ensure(1 + 1 == 3, "{} is not 3", 2);
  return 0;
}
int is_interrupted(int, char**) { throw Error(ErrorKind::interrupted, "later"); }
int throws_foreign(int, char**) { throw std::out_of_range("vector::at"); }
int has_no_memory(int, char**) { throw std::bad_alloc(); }

}  // namespace

TEST_CASE("run_program turns each kind of error into its exit code and one line on stderr", "[cpu]") {
  const auto run = [](int (*body)(int, char**)) {
    int code = -1;
    const std::string text = printed(STDERR_FILENO, [&] { code = run_program("prog", 0, nullptr, body); });
    return std::pair(code, text);
  };
  using Result = std::pair<int, std::string>;
  REQUIRE(run(ends_well) == Result{0, ""});
  REQUIRE(run(has_usage_error) == Result{2, "prog: --size 12: expected 1 to 9\n"});
  REQUIRE(run(has_bad_input) == Result{3, "prog: a.jpg: cut short\n"});
  REQUIRE(run(fails) == Result{1, "prog: 2 is not 3\n"});
  REQUIRE(run(is_interrupted) == Result{75, "prog: later\n"});
  REQUIRE(run(throws_foreign) == Result{1, "prog: internal error: vector::at\n"});
  REQUIRE(run(has_no_memory) == Result{1, "prog: out of memory; use fewer --threads, or a machine with more\n"});
}

TEST_CASE("ensure throws only when its condition does not hold", "[cpu]") {
  REQUIRE_FALSE(failure_of([] { ensure(true, "never"); }).kind.has_value());
  const Failure failure = failure_of([] { ensure(false, "boxes: expected [R,4], got [{},{}]", 3, 5); });
  REQUIRE(failure.kind == ErrorKind::failed);
  REQUIRE(failure.message == "boxes: expected [R,4], got [3,5]");
}
