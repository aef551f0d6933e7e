// Reads one image of golden/stage2.h5, and compares with it.
#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/io/hdf5.h"
#include "stage2_pseudolabel/pseudo_label.h"

namespace boxseg::test {

inline const std::vector<std::string> kGoldenImages = {"2007_001724", "2007_002273", "2007_002281", "2007_006490",
                                                       "2007_008468", "2009_005055", "2011_000108"};

// Returns the images that the file has with a group `part`: a bundle for another machine carries fewer of them.
inline std::vector<std::string> golden_images(const H5Reader& file, const std::string& part = "in") {
  std::vector<std::string> found;
  for (const std::string& id : kGoldenImages)
    if (file.has(id + "/" + part)) found.push_back(id);
  ensure(!found.empty(), "stage2.h5 has no image with {}", part);
  return found;
}

struct GoldenImage {
  Geometry geometry;
  at::Tensor features;  // [C,h,w]
  RgbImage image;
  ClassWeights weights;
};

inline GoldenImage read_golden_image(const H5Reader& file, const std::string& id) {
  GoldenImage golden;
  const auto shape = file.shape(id + "/in/rgb");
  golden.image = RgbImage(shape[0], shape[1]);
  golden.image.pixels = file.read<uint8_t>(id + "/in/rgb");
  const auto numbers = file.read<float>(id + "/in/boxes_xml");
  std::vector<Box> boxes;
  for (size_t i = 0; i + 4 < numbers.size(); i += 5)
    boxes.push_back({numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3], static_cast<int64_t>(numbers[i + 4])});
  golden.geometry = make_geometry(boxes, {shape[0], shape[1]}, BoxConvention::reference);
  const auto cells = file.shape(id + "/in/features_eighth");
  const auto values = file.read<float>(id + "/in/features_eighth");
  golden.features =
      at::from_blob(const_cast<float*>(values.data()), {cells[0], cells[1], cells[2]}, at::kFloat).clone();
  const auto weight = file.read<float>("weight");
  golden.weights.channels = file.shape("weight")[1];
  golden.weights.rows.assign(weight.begin(), weight.end());
  for (int64_t k = 0; k < file.shape("weight")[0]; ++k) golden.weights.row_of_class.push_back(k);
  return golden;
}

// Returns the largest absolute difference; infinite where either is NaN.
template <class A>
double largest_difference(const std::vector<A>& a, const std::vector<float>& b) {
  ensure(a.size() == b.size(), "comparing {} numbers with {}", a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(difference)) return INFINITY;
    largest = std::max(largest, difference);
  }
  return largest;
}

// Returns the share of positions that differ.
inline double share_of_differences(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  ensure(a.size() == b.size(), "comparing {} labels with {}", a.size(), b.size());
  int64_t different = 0;
  for (size_t i = 0; i < a.size(); ++i) different += a[i] != b[i];
  return static_cast<double>(different) / static_cast<double>(a.size());
}

}  // namespace boxseg::test
