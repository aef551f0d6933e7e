#include "common/ops/device_path.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <atomic>

namespace boxseg {
namespace {

std::atomic<int> taken_everywhere{0};

}  // namespace

bool takes_device_path(const at::Tensor& x) { return x.is_cuda() || taken_everywhere.load() > 0; }

DevicePathEverywhere::DevicePathEverywhere() { ++taken_everywhere; }
DevicePathEverywhere::~DevicePathEverywhere() { --taken_everywhere; }

// The stream comes through the device-independent interface, so that no CUDA headers are needed here.
KernelQueue queue_of(const at::Tensor& x) {
  if (!x.is_cuda()) return {};
  const c10::impl::VirtualGuardImpl device(x.device().type());
  return {true, device.getStream(x.device()).native_handle()};
}

}  // namespace boxseg
