// Makes seeded scores and label maps for the tests of losses, and compares.
#pragma once
#include <ATen/ATen.h>

#include "common/base/random.h"
#include "stage3_segment/losses.h"

namespace boxseg::test {

inline at::Tensor random_tensor(const char* name, at::IntArrayRef shape, at::ScalarType type = at::kDouble) {
  Random random(1, name);
  const at::Tensor t = at::empty(shape, at::kDouble);
  for (int64_t i = 0; i < t.numel(); ++i) t.mutable_data_ptr<double>()[i] = random.uniform(-1, 1);
  return t.to(type);
}

// `agree` is the share of pixels where both maps are equal.
inline LossLabels random_labels(const char* name, int64_t images, int64_t height, int64_t width, int64_t classes,
                                double agree = 0.8, double is_void = 0.1) {
  Random random(2, name);
  LossLabels labels{at::empty({images, height, width}, at::kByte), at::empty({images, height, width}, at::kByte)};
  for (int64_t i = 0; i < labels.label.numel(); ++i) {
    const auto a = static_cast<uint8_t>(random.below(classes)), b = static_cast<uint8_t>(random.below(classes));
    const bool skip = random.uniform() < is_void, same = random.uniform() < agree;
    labels.label.mutable_data_ptr<uint8_t>()[i] = skip ? 255 : a;
    labels.other.mutable_data_ptr<uint8_t>()[i] = same ? (skip ? 255 : a) : b;
  }
  return labels;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.cpu() - b.cpu()).abs().max().item<double>();
}

}  // namespace boxseg::test
