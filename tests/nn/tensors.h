// Makes seeded tensors, tells how far two are apart, and makes passes of training, for the tests of layers.
#pragma once
#include <ATen/Functions.h>

#include <vector>

#include "common/base/random.h"
#include "common/networks/network.h"

namespace boxseg::test {

// Draws from N(0, 1), in double whatever the type.
inline at::Tensor normal_tensor(Random& random, at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  const at::Tensor t = at::empty(shape, at::kDouble);
  double* p = t.mutable_data_ptr<double>();
  for (int64_t i = 0; i < t.numel(); ++i) p[i] = random.normal();
  return t.to(type);
}

// Returns the largest difference from `wanted`, which is double, as a part of its largest value.
inline double error_of(const at::Tensor& got, const at::Tensor& wanted) {
  return ((got.to(at::kDouble) - wanted).abs().max() / wanted.abs().max()).item<double>();
}

inline Pass training_pass(const std::vector<uint64_t>& keys, uint64_t seed = 1, uint64_t step = 1) {
  return {.is_training = true, .seed = seed, .step = step, .image_keys = keys};
}

}  // namespace boxseg::test
