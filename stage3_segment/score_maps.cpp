#include "stage3_segment/score_maps.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/ops/transfer.h"
#include "common/runtime/parallel.h"
#include "stage3_segment/axis.h"
#include "stage3_segment/cosine_scores.h"

namespace boxseg {
namespace {

at::Tensor resized(const at::Tensor& input, double scale) {
  const auto to = [scale](int64_t n) {
    return std::max<int64_t>(1, static_cast<int64_t>(std::floor(static_cast<double>(n) * scale)));
  };
  const int64_t height = to(input.size(2)), width = to(input.size(3));
  if (height == input.size(2) && width == input.size(3)) return input;
  return at::upsample_bilinear2d(input, {height, width}, /*align_corners=*/true);
}

at::Tensor scores_of(Network& network, const at::Tensor& input) {
  throw_if_interrupted();  // finished images are on disk
  return cosine_scores(network.features(input, Pass{}), network.classifier_weight());
}

// Reads one map between its rows of cells: adds its part of a row of pixels to out [W,K].
struct MapView {
  const ScoreMap& map;
  Axis<float> rows, columns;
  MapView(const ScoreMap& m, ImageSize size, bool align_corners)
      : map(m), rows(m.rows, size.height, align_corners), columns(m.columns, size.width, align_corners) {}

  void add_row(int64_t y, int64_t classes, float* line, std::vector<float>& out) const {
    const int64_t length = map.columns * classes, top = rows.index[static_cast<size_t>(y)];
    const float* upper = map.values.data() + top * length;
    const float* lower = top + 1 < map.rows ? upper + length : upper;
    const float weight = rows.weight[static_cast<size_t>(y)];
    for (int64_t i = 0; i < length; ++i) line[i] = (1 - weight) * upper[i] + weight * lower[i];
    float* pixel = out.data();
    for (size_t x = 0; x < columns.index.size(); ++x, pixel += classes) {
      const int64_t left = columns.index[x];
      const float *a = line + left * classes, *b = left + 1 < map.columns ? a + classes : a;
      const float across = columns.weight[x];
      for (int64_t c = 0; c < classes; ++c) pixel[c] += (1 - across) * a[c] + across * b[c];
    }
  }
};

}  // namespace

ScoreMaps score_maps(Network& network, const at::Tensor& input, const std::vector<double>& scales, bool flips,
                     bool align_corners) {
  ScoreMaps out;
  out.align_corners = align_corners;
  for (const double scale : scales) {
    const at::Tensor at_scale = resized(input, scale);
    at::Tensor scores = scores_of(network, at_scale);
    if (flips) scores = (scores + scores_of(network, at_scale.flip({3})).flip({3})) * 0.5;
    const at::Tensor last = download(scores.squeeze(0).permute({1, 2, 0}).to(at::kFloat)).contiguous();
    const float* values = last.const_data_ptr<float>();
    out.classes = last.size(2);
    out.maps.push_back({last.size(0), last.size(1), std::vector<float>(values, values + last.numel())});
  }
  return out;
}

void for_each_row(const ScoreMaps& scores, ImageSize size, int threads,
                  const std::function<void(int64_t y, const float* scores)>& row) {
  ensure(!scores.maps.empty(), "scores of no scale");
  std::vector<MapView> views;
  int64_t longest = 0;
  for (const auto& map : scores.maps) {
    views.emplace_back(map, size, scores.align_corners);
    longest = std::max(longest, map.columns * scores.classes);
  }
  const float share = 1.0f / static_cast<float>(scores.maps.size());
  parallel_for(size.height, 8, threads, [&](int64_t begin, int64_t end) {
    std::vector<float> line(static_cast<size_t>(longest)), out(static_cast<size_t>(size.width * scores.classes));
    for (int64_t y = begin; y < end; ++y) {
      std::fill(out.begin(), out.end(), 0.0f);
      for (const auto& view : views) view.add_row(y, scores.classes, line.data(), out);
      for (float& value : out) value *= share;
      row(y, out.data());
    }
  });
}

LabelMap most_likely(const ScoreMaps& scores, ImageSize size, int threads) {
  LabelMap labels(size.height, size.width);
  for_each_row(scores, size, threads, [&](int64_t y, const float* s) {
    for (int64_t x = 0; x < size.width; ++x, s += scores.classes)
      labels.at(y, x) = static_cast<uint8_t>(std::max_element(s, s + scores.classes) - s);
  });
  return labels;
}

std::vector<float> class_probabilities(const ScoreMaps& scores, ImageSize size, double temperature, int threads) {
  const int64_t area = size.height * size.width, classes = scores.classes;
  std::vector<float> out(static_cast<size_t>(classes * area));
  const auto t = static_cast<float>(temperature);
  for_each_row(scores, size, threads, [&](int64_t y, const float* s) {
    for (int64_t x = 0; x < size.width; ++x, s += classes) {
      const float largest = *std::max_element(s, s + classes);
      float* to = out.data() + y * size.width + x;
      float sum = 0;
      for (int64_t c = 0; c < classes; ++c) sum += to[c * area] = std::exp(t * (s[c] - largest));
      for (int64_t c = 0; c < classes; ++c) to[c * area] /= sum;
    }
  });
  return out;
}

}  // namespace boxseg
