#include <dlfcn.h>

#include <cstdlib>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/nn/network.h"

namespace boxseg {
namespace {

bool is_driver_present() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver != nullptr) dlclose(driver);
  return driver != nullptr;
}

// Loads libtorch_cuda, whose static initialisers register its kernels; "" or why it cannot be loaded.
std::string load_cuda_kernels() {
#if defined(BOXSEG_WITH_CUDA)
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return "";
  if (dlopen(BOXSEG_TORCH_LIBRARIES "/libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return "";
  return fmt::format("LibTorch's CUDA library cannot be loaded ({}); set up again with CUDA=1 on a machine with a driver", dlerror());
#else
  return "this build is for CPUs only; `make -f Makefile.pipeline build CUDA=1` makes one with CUDA (it needs nvcc)";
#endif
}

// "" when a GPU can be used.
std::string what_is_missing_for_cuda() {
  if (!is_driver_present()) return "no NVIDIA driver on this machine (libcuda.so.1 cannot be loaded)";
  if (const std::string reason = load_cuda_kernels(); !reason.empty()) return reason;
  if (at::getNumGPUs() == 0) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return fmt::format("the driver shows no usable GPU{}",
                       visible != nullptr ? fmt::format(" (CUDA_VISIBLE_DEVICES={})", visible) : "");
  }
  return "";
}

}  // namespace

at::Device resolve_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name == "auto") return what_is_missing_for_cuda().empty() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  int64_t index = 0;
  if (name.rfind("cuda:", 0) == 0) index = parse_integer(name.substr(5), "--device cuda:N");
  else if (name != "cuda") fail_usage("--device {}: not one of auto, cpu, cuda, cuda:N", name);
  if (const std::string missing = what_is_missing_for_cuda(); !missing.empty())
    fail_usage("--device {}: {}; --device cpu works everywhere", name, missing);
  const auto count = static_cast<int64_t>(at::getNumGPUs());
  if (index < 0 || index >= count)
    fail_usage("--device {}: this machine has {} GPU(s), numbered from 0", name, count);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace boxseg
