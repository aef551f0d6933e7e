#include "common/ops/torch_pool.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace boxseg {
namespace {

// OmpParallel is the entry point behind `#pragma omp parallel`. Every OpenMP runtime that LibTorch comes with (libgomp,
// libiomp5, libomp) exports it. It is asked for by name, which finds the one that LibTorch has loaded, whatever
// compiler builds this file.
using OmpParallel = void (*)(void (*body)(void*), void* data, unsigned threads, unsigned flags);

OmpParallel omp_parallel() {
  static const auto found = reinterpret_cast<OmpParallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  return found;
}

struct Work {
  int64_t n;
  const std::function<void(int64_t)>& body;
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
};

void take_part(void* data) {
  Work& work = *static_cast<Work*>(data);
  const at::NoGradGuard no_grad;
  try {
    for (int64_t i; (i = work.next++) < work.n;) work.body(i);
  } catch (...) {
    const std::lock_guard lock(work.mutex);
    if (!work.error) work.error = std::current_exception();
    work.next = work.n;
  }
}

}  // namespace

void for_each_in_torch_pool(int64_t n, const std::function<void(int64_t i)>& body) {
  Work work{n, body, {}, {}, {}};
  const int64_t threads = std::min<int64_t>(n, at::get_num_threads());
  if (threads > 1 && !at::in_parallel_region() && omp_parallel() != nullptr)
    omp_parallel()(take_part, &work, static_cast<unsigned>(threads), 0);
  else
    take_part(&work);
  if (work.error) std::rethrow_exception(work.error);
}

void for_ranges_in_torch_pool(int64_t n, int64_t length, const std::function<void(int64_t begin, int64_t end)>& body) {
  for_each_in_torch_pool((n + length - 1) / length,
                         [&](int64_t i) { body(i * length, std::min(n, (i + 1) * length)); });
}

}  // namespace boxseg
