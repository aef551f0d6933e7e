// Sets how LibTorch computes in our programs.
#pragma once
#include <string>

#include "common/ops/precision.h"

namespace boxseg {

// Sets the threads of tensor operations. From here on, too, the memory of large tensors on the CPU serves the next
// ones: each step of a training asks for the same blocks again, which the system would fill with zeros once more. Large
// tensors never hold more than they have taken up at once; other blocks go back to the heap, whose free end is kept up
// to 1 GiB.
void start_tensor_runtime(int threads);

// Holds the device that --device names (common/ops/device.h), with --precision in force on it.
struct TensorDevice {
  at::Device device = at::kCPU;
  Precision used = Precision::exact;
};
TensorDevice choose_device(const std::string& device, const std::string& precision);

}  // namespace boxseg
