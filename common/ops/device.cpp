#include "common/ops/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace fs = std::filesystem;

namespace boxseg {
namespace {

// CUDA 13 and LibTorch's wheel know no older cards.
constexpr Capability kOldest{7, 5};

// Returns the folder of the LibTorch that this process has loaded, wherever it was found.
fs::path torch_libraries() {
  void* const library = dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
  link_map* entry = nullptr;
  ensure(library != nullptr && dlinfo(library, RTLD_DI_LINKMAP, &entry) == 0, "libtorch_cpu.so is not loaded");
  return fs::path(entry->l_name).parent_path();
}

// Loads libtorch_cuda, whose static initialisers register its kernels. Returns "", or why it cannot be loaded.
std::string load_cuda_kernels() {
  const fs::path library = torch_libraries() / "libtorch_cuda.so";
  if (!fs::exists(library))
    return fmt::format("the LibTorch in {} is one for CPUs only; the set-up's own, without TORCH_ROOT, has CUDA",
                       library.parent_path().string());
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return "";
  return fmt::format(
      "LibTorch's CUDA library cannot be loaded ({}); `make -f Makefile.pipeline setup CUDA=1` unpacks what it is "
      "linked to, and a LibTorch named by TORCH_ROOT needs NVIDIA's packages beside it, as pip installs them",
      dlerror());
}

// Loads LibTorch's CUDA libraries and asks them; call it once trouble_with_gpu() has found nothing.
std::string trouble_with_libtorch(int64_t index) {
  if (const std::string trouble = load_cuda_kernels(); !trouble.empty()) return trouble;
  const auto count = static_cast<int64_t>(at::getNumGPUs());
  if (index < count) return "";
  return fmt::format("the driver shows this GPU, but LibTorch sees {}; its warning, if there is one, says more",
                     count == 0 ? "none" : fmt::format("{} only", count));
}

std::string cards_text(const std::vector<Card>& cards) {
  std::vector<std::string> all;
  for (size_t i = 0; i < cards.size(); ++i) all.push_back(fmt::format("cuda:{} is {}", i, cards[i].name));
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return join(all, ", ") + (visible != nullptr ? fmt::format("; CUDA_VISIBLE_DEVICES={}", visible) : "");
}

at::Device choose_device(const CudaDriver& driver, const std::vector<CudaArchitecture>& built) {
  if (!driver.is_present) return at::kCPU;
  std::string trouble = driver.trouble;
  for (size_t i = 0; i < driver.cards.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    std::string of_this = trouble_with_gpu(driver, built, index);
    if (of_this.empty()) of_this = trouble_with_libtorch(index);
    if (of_this.empty()) return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    if (trouble.empty()) trouble = of_this;
  }
  log_info("--device auto: the CPU, because {}", trouble);
  return at::kCPU;
}

}  // namespace

std::string trouble_with_gpu(const CudaDriver& driver, const std::vector<CudaArchitecture>& built, int64_t index) {
  if (built.empty()) {
    const std::string text = "this build is for CPUs only; `make -f Makefile.pipeline build CUDA=1` makes one for GPUs";
    return driver.trouble.empty() ? text : fmt::format("{}, but {}", text, driver.trouble);
  }
  if (!driver.trouble.empty()) return driver.trouble;
  if (index < 0 || index >= static_cast<int64_t>(driver.cards.size()))
    return fmt::format("there is no such GPU; {}", cards_text(driver.cards));
  const Card& card = driver.cards[static_cast<size_t>(index)];
  if (card.capability < kOldest)
    return fmt::format("{} has compute capability {}, and CUDA 13 serves none older than {}", card.name,
                       card.capability.text(), kOldest.text());
  if (!is_served(card.capability, built))
    return fmt::format(
        "{} has compute capability {}, and this build has {}; `make -f Makefile.pipeline build CUDA=1 CUDA_ARCHS={}{}` "
        "makes one for it",
        card.name, card.capability.text(), architectures_text(built), card.capability.major, card.capability.minor);
  return "";
}

at::Device resolve_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  int64_t index = 0;
  if (name.rfind("cuda:", 0) == 0)
    index = parse_integer(name.substr(5), "--device cuda:N");
  else if (name != "cuda" && name != "auto")
    fail_usage("--device {}: not one of auto, cpu, cuda, cuda:N", name);
  const CudaDriver driver = ask_cuda_driver();
  const std::vector<CudaArchitecture> built = parse_cuda_architectures(built_cuda_architectures());
  if (name == "auto") return choose_device(driver, built);
  std::string trouble = trouble_with_gpu(driver, built, index);
  if (trouble.empty()) trouble = trouble_with_libtorch(index);
  if (!trouble.empty()) fail_usage("--device {}: {}; --device cpu works everywhere", name, trouble);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace boxseg
