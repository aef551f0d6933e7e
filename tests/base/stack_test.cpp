// A shell or a cluster may set a limit on local variables.
#include "common/runtime/stack.h"

#include <pthread.h>
#include <sys/resource.h>

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

constexpr size_t kEnough = 8 << 20;

size_t size_for_threads() {
  pthread_attr_t attributes;
  REQUIRE(pthread_getattr_default_np(&attributes) == 0);
  size_t size = 0;
  pthread_attr_getstacksize(&attributes, &size);
  pthread_attr_destroy(&attributes);
  return size;
}

void set_size_for_threads(size_t size) {
  pthread_attr_t attributes;
  REQUIRE(pthread_getattr_default_np(&attributes) == 0);
  pthread_attr_setstacksize(&attributes, size);
  REQUIRE(pthread_setattr_default_np(&attributes) == 0);
  pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("A small stack is raised for the main thread and for threads to come; a large one stays", "[cpu]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_STACK, &before) == 0);
  const size_t threads_before = size_for_threads();
  const auto limit_after = [](rlim_t size) {
    rlimit limit{};
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = size;
    REQUIRE(setrlimit(RLIMIT_STACK, &limit) == 0);
    require_stack();
    getrlimit(RLIMIT_STACK, &limit);
    return limit.rlim_cur;
  };
  if (before.rlim_max == RLIM_INFINITY || before.rlim_max >= 4 * kEnough) {
    CHECK(limit_after(1 << 20) == kEnough);
    CHECK(limit_after(4 * kEnough) == 4 * kEnough);
  }
  set_size_for_threads(1 << 20);
  require_stack();
  CHECK(size_for_threads() == kEnough);
  set_size_for_threads(2 * kEnough);
  require_stack();
  CHECK(size_for_threads() == 2 * kEnough);
  set_size_for_threads(threads_before);
  REQUIRE(setrlimit(RLIMIT_STACK, &before) == 0);
}
