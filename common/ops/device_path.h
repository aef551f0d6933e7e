// Operators of ours have two implementations: the CPU's own, made for its caches and vectors, and the device path, made
// of LibTorch's operations and kernels (common/ops/launch.h), which GPUs take. The device path works wherever its
// tensors are; on the CPU its kernels are plain loops.
#pragma once
#include <ATen/core/Tensor.h>

#include "common/ops/launch.h"

namespace boxseg {

// True when an operator on x takes the device path: x is on a GPU, or the path is taken everywhere.
bool takes_device_path(const at::Tensor& x);

// While one of these lives, tensors on the CPU take the device path, too, on all threads: for tests. The environment
// variable BOXSEG_DEVICE_PATH=1 does the same for whole programs (start_tensor_runtime()).
class DevicePathEverywhere {
 public:
  DevicePathEverywhere();
  ~DevicePathEverywhere();
  DevicePathEverywhere(const DevicePathEverywhere&) = delete;
  DevicePathEverywhere& operator=(const DevicePathEverywhere&) = delete;
};

// Returns where kernels on x run: the current stream of its GPU, which the caller has made current (c10::DeviceGuard),
// or the CPU.
KernelQueue queue_of(const at::Tensor& x);

}  // namespace boxseg
