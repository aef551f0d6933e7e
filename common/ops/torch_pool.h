// Runs work of our own on the threads that LibTorch computes with. A second pool beside it would have to share the
// cores with OpenMP's workers, which keep spinning for some milliseconds after each tensor operation.
#pragma once
#include <cstdint>
#include <functional>

namespace boxseg {

// Calls body(i) for i in [0, n), on at::get_num_threads() threads. Tensor operations inside a body run on its thread
// alone; gradient mode is off there. Bodies must not depend on each other. The first exception is thrown again here.
void for_each_in_torch_pool(int64_t n, const std::function<void(int64_t i)>& body);

// Serves work whose pieces are small: calls body(begin, end) for ranges of `length`, and for one of what is left.
void for_ranges_in_torch_pool(int64_t n, int64_t length, const std::function<void(int64_t begin, int64_t end)>& body);

}  // namespace boxseg
