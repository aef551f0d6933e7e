// Chooses the device that a program computes on.
#pragma once
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/runtime/cuda_architectures.h"
#include "common/runtime/cuda_driver.h"

namespace boxseg {

// Returns the device of "cpu", "cuda" or "cuda:1"; asking for a GPU that cannot be used is a usage error, which says
// why and what to do. "auto" is the first GPU that can be used, else the CPU, with a line in the log where there is a
// driver. LibTorch's CUDA libraries are loaded here, once a GPU is used and not before.
at::Device resolve_device(const std::string& name);

// Returns why GPU number `index` cannot be used, as far as the driver and the build can tell; "" if nothing is in the
// way. `built` is empty in a build for CPUs only.
std::string trouble_with_gpu(const CudaDriver& driver, const std::vector<CudaArchitecture>& built, int64_t index);

}  // namespace boxseg
