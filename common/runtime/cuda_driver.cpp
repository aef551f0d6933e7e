#include "common/runtime/cuda_driver.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "common/base/error.h"

namespace boxseg {
namespace {

// LibTorch's wheel is built with CUDA 13.0.
constexpr int kNeededCuda = 13000;

constexpr int kStubLibrary = 34, kNoDevice = 100, kSystemNotReady = 802, kDriverMismatch = 803,
              kUnknown = 999;  // CUresult

// These few functions of CUDA's driver interface are all that is needed here. Their types from cuda.h are spelt out: a
// CUresult and a CUdevice are ints.
struct Libcuda {
  int (*init)(unsigned flags) = nullptr;
  int (*driver_version)(int* version) = nullptr;
  int (*device_count)(int* count) = nullptr;
  int (*device)(int* device, int ordinal) = nullptr;
  int (*device_name)(char* name, int size, int device) = nullptr;
  int (*device_attribute)(int* value, int attribute, int device) = nullptr;
  int (*error_string)(int error, const char** text) = nullptr;

  explicit Libcuda(void* library) {
    find(library, "cuInit", init);
    find(library, "cuDriverGetVersion", driver_version);
    find(library, "cuDeviceGetCount", device_count);
    find(library, "cuDeviceGet", device);
    find(library, "cuDeviceGetName", device_name);
    find(library, "cuDeviceGetAttribute", device_attribute);
    find(library, "cuGetErrorString", error_string);
  }
  bool is_complete() const {
    return init && driver_version && device_count && device && device_name && device_attribute && error_string;
  }

 private:
  template <class Function>
  static void find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
  }
};

std::string why_no_driver(const char* loader_message) {
  std::string text = fmt::format("this machine has no NVIDIA driver ({})", loader_message);
  // The kernel's half of the driver shows inside containers, too, where the library may be missing.
  if (std::filesystem::exists("/proc/driver/nvidia/version"))
    text = fmt::format(
        "the NVIDIA driver's libcuda.so.1 cannot be loaded, though the kernel has its half ({}); a container must be "
        "started with access to GPUs, as `docker run --gpus all` does",
        loader_message);
  return text;
}

// Returns what to do about the errors that people meet, "" for all others.
std::string advice(int error) {
  switch (error) {
    case kStubLibrary:
      return "; the libcuda.so.1 found is the toolkit's stub: take its folder `stubs` out of LD_LIBRARY_PATH";
    case kNoDevice:
      if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES"); visible != nullptr)
        return fmt::format("; CUDA_VISIBLE_DEVICES={} may hide it", visible);
      return "";
    case kSystemNotReady:
      return "; nvidia-fabricmanager must be running on this machine";
    case kDriverMismatch:
      return "; after an update of the driver the machine must be restarted";
    case kUnknown:
      return "; `nvidia-smi` and the kernel's log say more, a restart often helps";
    default:
      return "";
  }
}

std::string error_text(const Libcuda& libcuda, int error) {
  const char* text = nullptr;
  if (libcuda.error_string(error, &text) != 0 || text == nullptr) text = "unknown error";
  return fmt::format("{}: {}", error, text);
}

std::vector<Card> find_cards(const Libcuda& libcuda) {
  constexpr int kMajorVersion = 75, kMinorVersion = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
  std::vector<Card> cards;
  int count = 0;
  if (libcuda.device_count(&count) != 0) return cards;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    Card card;
    char name[256] = "";
    int device = 0;
    if (libcuda.device(&device, ordinal) != 0 || libcuda.device_name(name, sizeof name, device) != 0 ||
        libcuda.device_attribute(&card.capability.major, kMajorVersion, device) != 0 ||
        libcuda.device_attribute(&card.capability.minor, kMinorVersion, device) != 0)
      break;
    card.name = name;
    cards.push_back(std::move(card));
  }
  return cards;
}

}  // namespace

CudaDriver ask_cuda_driver() {
  CudaDriver result;
  // The library stays loaded: the driver does not expect to be initialised twice.
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    result.trouble = why_no_driver(dlerror());
    return result;
  }
  result.is_present = true;
  const Libcuda libcuda(library);
  if (!libcuda.is_complete()) {
    result.trouble = "the libcuda.so.1 found is not NVIDIA's driver, or a damaged one";
    return result;
  }
  int version = 0, error = libcuda.driver_version(&version);
  if (error == 0 && version < kNeededCuda) {
    result.trouble = fmt::format(
        "the NVIDIA driver is too old: it serves CUDA up to {}.{}, and 13.0 is needed, which driver 580 and newer have",
        version / 1000, version % 1000 / 10);
    return result;
  }
  if (error == 0) error = libcuda.init(0);
  if (error == 0) result.cards = find_cards(libcuda);
  if (error != 0)
    result.trouble = fmt::format("the NVIDIA driver shows no GPU ({}{})", error_text(libcuda, error), advice(error));
  else if (result.cards.empty())
    result.trouble = "the NVIDIA driver shows no GPU" + advice(kNoDevice);
  return result;
}

}  // namespace boxseg
