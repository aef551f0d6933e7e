// Computes the two products over feature cells that everything else follows from. They run where the features are; on
// the CPU in double and in a fixed order, so that the result is the same for any number of threads.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace boxseg {

// Returns [n,h,w] row-major: the inner product of each vector with each cell's feature. features: [C,h,w] float32;
// vectors: [n,C] row-major.
std::vector<float> project(const at::Tensor& features, const std::vector<double>& vectors, int64_t n, int threads);

// Returns [n,C]: the weighted sum of the cells' features. weights: [n,h,w] row-major.
std::vector<double> pool(const at::Tensor& features, const std::vector<double>& weights, int64_t n, int threads);

// Divides each row of `vectors` [n,C] by its length, at least 1e-12.
void normalise_rows(std::vector<double>& vectors, int64_t n);

}  // namespace boxseg
