// Keeps threads of our own for work that does not go through LibTorch.
#pragma once
#include <cstdint>
#include <functional>

namespace boxseg {

// Calls body(begin, end) over [0, n) in pieces of `grain` items on up to `threads` threads (a shared pool; the caller
// takes part). Pieces are handed out in any order, so a body must write only what belongs to its items; then results do
// not depend on the number of threads. The first exception is thrown again here. Nested calls run on the calling
// thread.
void parallel_for(int64_t n, int64_t grain, int threads, const std::function<void(int64_t begin, int64_t end)>& body);

int hardware_threads();                  // what affinity mask and CPU quota leave of the machine, at least 1
int resolve_threads(int64_t requested);  // 0 = hardware_threads(); throws usage outside 0..1024

}  // namespace boxseg
