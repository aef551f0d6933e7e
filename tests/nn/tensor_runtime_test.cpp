#include "common/ops/tensor_runtime.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <malloc.h>

#include "tests/support/catch.h"

namespace boxseg {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

at::Tensor tensor_of(int64_t megabytes) { return at::empty({megabytes * kMegabyte}, at::kByte); }
// Returns what the process has from the system beside its heap.
int64_t mapped_megabytes() { return static_cast<int64_t>(mallinfo2().hblkhd) / kMegabyte; }

}  // namespace

TEST_CASE(
    "the memory of a large tensor serves the next one of about its size, and no more is held than was needed at once") {
  const int threads = at::get_num_threads();
  start_tensor_runtime(2);
  CHECK(at::get_num_threads() == 2);
  // What other tests left free at the end of the heap would serve large tensors, too.
  malloc_trim(0);
  const int64_t before = mapped_megabytes();
  const void* place = tensor_of(100).const_data_ptr();
  CHECK(tensor_of(98).const_data_ptr() == place);
  const at::Tensor half = tensor_of(50);  // the 100 are given back to make room for it
  CHECK(malloc_usable_size(half.data_ptr()) < 51 * kMegabyte);
  CHECK(mapped_megabytes() - before < 101);
  {
    const at::Tensor a = tensor_of(40), b = tensor_of(200);  // lives together with half
    CHECK(mapped_megabytes() - before < 292);
  }
  for (const int64_t size : {33, 60, 90, 130, 170, 250, 36}) tensor_of(size).fill_(1);
  CHECK(mapped_megabytes() - before < 292);
  at::set_num_threads(threads);
}

}  // namespace boxseg
