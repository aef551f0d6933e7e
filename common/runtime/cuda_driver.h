// Asks NVIDIA's driver about this machine. It goes through libcuda.so.1 itself, without CUDA's headers: that takes a
// moment, where LibTorch's CUDA libraries take 0.4 s to load and then can only say that there is no GPU.
#pragma once
#include <string>
#include <vector>

#include "common/runtime/cuda_architectures.h"

namespace boxseg {

struct Card {
  std::string name;  // "NVIDIA L4"
  Capability capability;
};

struct CudaDriver {
  bool is_present = false;  // libcuda.so.1 can be loaded
  std::vector<Card> cards;  // numbered as in --device cuda:N; those that CUDA_VISIBLE_DEVICES hides are not among them
  std::string trouble;      // why there are no cards to use: a sentence without its full stop; "" when there are
};

// Initialises the driver in this process. Never throws.
CudaDriver ask_cuda_driver();

}  // namespace boxseg
