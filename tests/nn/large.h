// Compares the device path with the CPU's own at the sizes of training, and at some that loops take a moment for.
#pragma once
#include "tests/nn/paths.h"
#include "tests/nn/tensors.h"

namespace boxseg::test {

enum class Scale { loops, training };

// Returns what `compute` makes on the device path.
template <class Compute>
auto on_device_path(const Compute& compute) {
  const DevicePathEverywhere taken;
  return compute();
}

}  // namespace boxseg::test

// Makes a test case for each of the CPU and a GPU: the second is skipped and counted where there is no GPU.
#define LARGE_TEST_CASE(name, tags) BOXSEG_LARGE(BOXSEG_JOIN(large_, __LINE__), name, tags)
#define BOXSEG_LARGE(function, name, tags)                                                                \
  static void function(const boxseg::test::Path& on, boxseg::test::Scale scale);                          \
  TEST_CASE(name " (device path)", tags "[device]") { function({at::kCPU}, boxseg::test::Scale::loops); } \
  TEST_CASE(name " (GPU)", tags "[cuda]") {                                                               \
    GPU_OR_SKIP(gpu);                                                                                     \
    function({gpu}, boxseg::test::Scale::training);                                                       \
  }                                                                                                       \
  static void function(const boxseg::test::Path& on, boxseg::test::Scale scale)
