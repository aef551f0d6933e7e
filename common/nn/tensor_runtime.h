// How LibTorch computes in our programs.
#pragma once

namespace boxseg {

// Threads of tensor operations; and from here on the memory of large tensors on the CPU serves the next ones: each step
// of a training asks for the same blocks again, which the system would fill with zeros once more. Never more is held
// than tensors have taken up at once.
void start_tensor_runtime(int threads);

}  // namespace boxseg
