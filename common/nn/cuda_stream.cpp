#include <c10/core/impl/VirtualGuardImpl.h>

#include "common/nn/cuda/launch.h"

namespace boxseg::nn_cuda {

// Through the device-independent interface, so that the CPU build needs no CUDA headers.
void* current_stream(const at::Tensor& on) {
  const c10::impl::VirtualGuardImpl device(on.device().type());
  return device.getStream(on.device()).native_handle();
}

}  // namespace boxseg::nn_cuda
