// Tells one forward pass from another: training or not, and where its random numbers come from.
#pragma once
#include <cstdint>
#include <vector>

namespace boxseg {

// Holds what one forward pass needs besides its input.
struct Pass {
  bool is_training = false;  // dropout on, batch norm with batch statistics unless frozen
  bool freeze_backbone = false, freeze_bn = false;
  // Dropout masks are functions of (seed, step, image, layer): image_keys[n] is stable_hash64 of image n's id.
  uint64_t seed = 0, step = 0;
  std::vector<uint64_t> image_keys;
};

}  // namespace boxseg
