// Reads inputs of a golden batch (bap.h5, steps.h5) as the stage takes them, and compares.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/io/hdf5.h"
#include "stage1_classify/bap_plan.h"

namespace boxseg::test {

inline at::Tensor read_tensor(const H5Reader& file, const std::string& name) {
  Shape shape = file.shape(name);
  if (file.type_name(name) == "int64") return at::tensor(file.read<int64_t>(name), at::kLong).reshape(shape);
  return at::tensor(file.read<float>(name), at::kFloat).reshape(shape);
}

struct GoldenBatch {
  std::vector<uint8_t> masks;  // [N,H,W]
  ImageSize mask_size;
  std::vector<BapImage> images;
};

inline GoldenBatch read_batch(const H5Reader& file, const std::string& in) {
  GoldenBatch batch;
  const Shape shape = file.shape(in + "/bg_mask");
  batch.masks = file.read<uint8_t>(in + "/bg_mask");
  batch.mask_size = {shape[2], shape[3]};
  batch.images.resize(static_cast<size_t>(shape[0]));
  for (int64_t n = 0; n < shape[0]; ++n)
    batch.images[static_cast<size_t>(n)].background_mask = batch.masks.data() + n * shape[2] * shape[3];
  const auto boxes = file.read<float>(in + "/boxes");
  const auto image_of_box = file.read<int64_t>(in + "/image_of_box");
  for (size_t r = 0; r < image_of_box.size(); ++r)
    batch.images[static_cast<size_t>(image_of_box[r])].boxes.push_back(
        {boxes[5 * r], boxes[5 * r + 1], boxes[5 * r + 2], boxes[5 * r + 3], static_cast<int64_t>(boxes[5 * r + 4])});
  return batch;
}

// Returns the largest absolute difference; infinity when shapes differ or anything is not a number.
inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  if (a.numel() == 0) return 0;
  const auto here = [](const at::Tensor& t) { return t.detach().cpu().to(at::kDouble); };
  const double d = (here(a) - here(b)).abs().max().item<double>();
  return d == d ? d : INFINITY;
}

}  // namespace boxseg::test
