// Does to planes what ReLU with a maximum over windows of 3x3 does, forth and back (relu_max_pool.h).
#pragma once
#include <cstdint>

#include "common/ops/pool_size.h"
#include "common/simd/instruction_set.h"

namespace boxseg {

// Pools `count` planes: in [h,w], out and codes [out_h,out_w]. A code says where in its window the value stands: 0
// nowhere (none is above zero), else 1 + 3 * row + column; what is not a number is passed on, but has no code. T:
// float, double.
template <class T>
void max_pool_planes(PoolSize size, int64_t count, const T* in, T* out, uint8_t* codes,
                     InstructionSet instructions = instruction_set());

// Hands the gradients of outputs to the inputs that the codes name. An input's sum goes through its outputs in their
// order.
template <class T>
void max_unpool_planes(PoolSize size, int64_t count, const T* grad_out, const uint8_t* codes, T* grad_in);

}  // namespace boxseg
