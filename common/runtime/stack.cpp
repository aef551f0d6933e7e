#include "common/runtime/stack.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>

namespace boxseg {
namespace {

constexpr rlim_t kEnough = 8 << 20;

bool is_enough(rlim_t limit) { return limit == RLIM_INFINITY || limit >= kEnough; }

void raise_limit_of_main_thread() {
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || is_enough(limit.rlim_cur)) return;
  const rlim_t hard = is_enough(limit.rlim_max) ? limit.rlim_max : kEnough;
  const rlimit more{kEnough, hard};  // only root may have a higher hard limit
  if (setrlimit(RLIMIT_STACK, &more) == 0) return;
  limit.rlim_cur = std::min(kEnough, limit.rlim_max);
  setrlimit(RLIMIT_STACK, &limit);
}

// Sets the size for threads apart from the limit: a thread's stack is mapped when it is made, and a shell's limit is
// only its default size.
void raise_size_for_threads() {
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) != 0) return;
  size_t size = 0;
  if (pthread_attr_getstacksize(&attributes, &size) == 0 && size < kEnough &&
      pthread_attr_setstacksize(&attributes, kEnough) == 0)
    pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

}  // namespace

void require_stack() {
  raise_limit_of_main_thread();
  raise_size_for_threads();
}

}  // namespace boxseg
