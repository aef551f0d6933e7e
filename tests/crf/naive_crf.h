// Does mean field with permutohedral lattices the slow way: in double precision, with vertices in a std::map by their
// integer coordinates and every step spelled out from the definitions. It is for small images only.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <vector>

#include "common/crf/dense_crf.h"

namespace boxseg::test {

class NaiveLattice {
 public:
  using Coordinates = std::vector<int>;  // D+1, sum 0
  // With `has_origin` the vertices around the origin exist, too, without a point (see PermutohedralLattice::build()).
  explicit NaiveLattice(const std::vector<std::vector<double>>& points, bool has_origin = false) {
    for (const auto& point : points) corners_.push_back(corners_of(point));
    if (has_origin) origin_ = corners_of(std::vector<double>(points[0].size(), 0.0));
  }

  // Returns what splat, blur and slice make of one value per point.
  std::vector<double> filter(const std::vector<double>& input) const {
    std::map<Coordinates, double> values;
    for (const auto& [vertex, weight] : origin_) values[vertex] = 0;
    for (size_t p = 0; p < corners_.size(); ++p)
      for (const auto& [vertex, weight] : corners_[p]) values[vertex] += weight * input[p];
    const int d = static_cast<int>(corners_[0].begin()->first.size()) - 1;
    for (int axis = 0; axis <= d; ++axis) {
      std::map<Coordinates, double> blurred;
      for (const auto& [vertex, value] : values) {
        double sides = 0;
        for (const int sign : {1, -1}) {
          Coordinates side = vertex;
          for (int i = 0; i <= d; ++i) side[static_cast<size_t>(i)] += sign * (i == axis ? d : -1);
          const auto found = values.find(side);
          if (found != values.end()) sides += found->second;
        }
        blurred[vertex] = value + 0.5 * sides;
      }
      values = std::move(blurred);
    }
    const double alpha = 1 / (1 + std::pow(2.0, -d));
    std::vector<double> output(input.size());
    for (size_t p = 0; p < corners_.size(); ++p)
      for (const auto& [vertex, weight] : corners_[p]) output[p] += alpha * weight * values.at(vertex);
    return output;
  }

 private:
  // Finds the corners of the simplex around a point and the barycentric weights (Adams et al. 2010, section 3).
  static std::map<Coordinates, double> corners_of(const std::vector<double>& feature) {
    const int d = static_cast<int>(feature.size());
    std::vector<double> lifted(static_cast<size_t>(d + 1));
    for (int i = 0; i <= d; ++i) {
      for (int j = i; j < d; ++j) lifted[i] += scaled(feature, j);
      if (i > 0) lifted[i] -= i * scaled(feature, i - 1);
    }
    // `zero` is the nearest point whose coordinates are multiples of d+1; moving the worst rounded ones brings it back
    // to sum 0.
    Coordinates zero(lifted.size());
    for (size_t i = 0; i < zero.size(); ++i) zero[i] = static_cast<int>(std::nearbyint(lifted[i] / (d + 1))) * (d + 1);
    std::vector<int> order(lifted.size());
    std::iota(order.begin(), order.end(), 0);
    const auto offset = [&](int i) { return lifted[static_cast<size_t>(i)] - zero[static_cast<size_t>(i)]; };
    const auto sort = [&] {
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return offset(a) > offset(b); });
    };
    sort();
    for (int excess = std::accumulate(zero.begin(), zero.end(), 0) / (d + 1), i = d; excess > 0; --excess, --i)
      zero[static_cast<size_t>(order[static_cast<size_t>(i)])] -= d + 1;
    sort();
    for (int lack = -std::accumulate(zero.begin(), zero.end(), 0) / (d + 1), i = 0; lack > 0; --lack, ++i)
      zero[static_cast<size_t>(order[static_cast<size_t>(i)])] += d + 1;
    sort();
    // In corner r the d+1-r largest offsets' coordinates move by r, the others by r - (d+1).
    std::map<Coordinates, double> corners;
    for (int r = 0; r <= d; ++r) {
      Coordinates corner = zero;
      for (int k = 0; k <= d; ++k)
        corner[static_cast<size_t>(order[static_cast<size_t>(k)])] += k <= d - r ? r : r - (d + 1);
      const double upper = offset(order[static_cast<size_t>(d - r)]);
      const double weight = r == 0 ? 1 - (offset(order[0]) - upper) / (d + 1)
                                   : (upper - offset(order[static_cast<size_t>(d - r + 1)])) / (d + 1);
      corners[corner] += weight;
    }
    return corners;
  }
  static double scaled(const std::vector<double>& feature, int j) {
    const double d = static_cast<double>(feature.size());
    return feature[static_cast<size_t>(j)] * std::sqrt(2.0 / 3.0) * (d + 1) / std::sqrt((j + 1.0) * (j + 2.0));
  }

  std::vector<std::map<Coordinates, double>> corners_;
  std::map<Coordinates, double> origin_;
};

// Returns Q: [K,H,W]. may_have_origin = false leaves the vertices around the origin out.
inline std::vector<double> naive_crf(const CrfOptions& o, const std::vector<uint8_t>& rgb,
                                     const std::vector<float>& probabilities, int64_t labels, int64_t height,
                                     int64_t width, bool may_have_origin = true) {
  const size_t n = static_cast<size_t>(height * width);
  std::vector<std::vector<double>> near, alike;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const uint8_t* c = &rgb[static_cast<size_t>((y * width + x) * 3)];
      near.push_back({static_cast<double>(x) / o.gaussian_xy, static_cast<double>(y) / o.gaussian_xy});
      alike.push_back({static_cast<double>(x) / o.bilateral_xy, static_cast<double>(y) / o.bilateral_xy,
                       c[0] / o.bilateral_rgb, c[1] / o.bilateral_rgb, c[2] / o.bilateral_rgb});
    }
  const bool has_origin = may_have_origin && n % 4 != 0;
  const std::array<NaiveLattice, 2> lattices{NaiveLattice(near, has_origin), NaiveLattice(alike, has_origin)};
  const std::array<double, 2> weights{o.gaussian_weight, o.bilateral_weight};
  std::array<std::vector<double>, 2> norms;
  for (size_t l = 0; l < 2; ++l) {
    norms[l] = lattices[l].filter(std::vector<double>(n, 1.0));
    for (double& v : norms[l]) v = 1 / std::sqrt(v + 1e-20);
  }
  const size_t k_count = static_cast<size_t>(labels);
  std::vector<double> unary(k_count * n), scores, q(k_count * n);
  for (size_t i = 0; i < unary.size(); ++i) unary[i] = std::log(std::clamp<double>(probabilities[i], 1e-5, 1));
  const auto normalise = [&] {
    for (size_t p = 0; p < n; ++p) {
      double largest = -INFINITY, sum = 0;
      for (size_t k = 0; k < k_count; ++k) largest = std::max(largest, scores[k * n + p]);
      for (size_t k = 0; k < k_count; ++k) sum += q[k * n + p] = std::exp(scores[k * n + p] - largest);
      for (size_t k = 0; k < k_count; ++k) q[k * n + p] /= sum;
    }
  };
  scores = unary;
  normalise();
  for (int64_t iteration = 0; iteration < o.iterations; ++iteration) {
    scores = unary;
    for (size_t k = 0; k < k_count; ++k)
      for (size_t l = 0; l < 2; ++l) {
        std::vector<double> message(n);
        for (size_t p = 0; p < n; ++p) message[p] = q[k * n + p] * norms[l][p];
        message = lattices[l].filter(message);
        for (size_t p = 0; p < n; ++p) scores[k * n + p] += weights[l] * norms[l][p] * message[p];
      }
    normalise();
  }
  return q;
}

}  // namespace boxseg::test
