// Runs tests that hold for each implementation of an operator: the CPU's own, the device path on the CPU, where kernels
// are plain loops, and the device path on a GPU, which is skipped and counted where there is none.
//
//
//   EACH_PATH_TEST_CASE("pooling keeps the sum", "[cpu]") { REQUIRE(sum(pool(on(tensor))) == sum(tensor)); }
//
// `on` brings tensors to where the case runs.
#pragma once
#include <ATen/Functions.h>

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/ops/device_path.h"
#include "common/ops/tensor_runtime.h"
#include "tests/support/support.h"

namespace boxseg::test {

// Returns the first GPU with --precision exact, or nothing after a counted skip that says what is missing.
inline std::optional<at::Device> gpu_or_skip() {
  try {
    return choose_device("cuda", "exact").device;
  } catch (const Error& e) {
    skip(e.what());
    return std::nullopt;
  }
}

struct Path {
  at::Device device;
  at::Tensor operator()(const at::Tensor& tensor) const { return tensor.defined() ? tensor.to(device) : tensor; }
  // These two put programs on the same path: text before their name, and among their options.
  std::string environment() const {
    return !device.is_cuda() && takes_device_path(at::zeros({1})) ? "BOXSEG_DEVICE_PATH=1 " : "";
  }
  std::string option() const { return " --device " + device.str() + " "; }
};

}  // namespace boxseg::test

#define GPU_OR_SKIP(name)                                \
  const auto name##_found = boxseg::test::gpu_or_skip(); \
  if (!name##_found) return;                             \
  const at::Device name = *name##_found

#define BOXSEG_JOIN_(a, b) a##b
#define BOXSEG_JOIN(a, b) BOXSEG_JOIN_(a, b)
#define EACH_PATH_TEST_CASE(name, tags) BOXSEG_EACH_PATH(BOXSEG_JOIN(each_path_, __LINE__), name, tags)
#define BOXSEG_EACH_PATH(function, name, tags)             \
  static void function(const boxseg::test::Path& on);      \
  TEST_CASE(name " (CPU)", tags) { function({at::kCPU}); } \
  TEST_CASE(name " (device path)", tags "[device]") {      \
    const boxseg::DevicePathEverywhere taken;              \
    function({at::kCPU});                                  \
  }                                                        \
  TEST_CASE(name " (GPU)", tags "[cuda]") {                \
    GPU_OR_SKIP(gpu);                                      \
    function({gpu});                                       \
  }                                                        \
  static void function([[maybe_unused]] const boxseg::test::Path& on)
