#include "common/ops/winograd/winograd_tiles.h"

#include <algorithm>

namespace boxseg {
namespace {

// This is a row's work space, which each thread keeps.
struct Lines {
  std::vector<float> combined[4], even, odd;
  // Makes space for `width` columns, of which those before `first` and from `end` on hold zeros.
  void prepare(int64_t width, int64_t first, int64_t end) {
    for (std::vector<float>& line : combined) {
      if (static_cast<int64_t>(line.size()) < width) line.resize(static_cast<size_t>(width));
      std::fill_n(line.data(), first, 0.0f);
      std::fill(line.data() + end, line.data() + width, 0.0f);
    }
    if (even.size() < combined[0].size()) even.resize(combined[0].size()), odd.resize(combined[0].size());
  }
};

thread_local Lines lines;

// Splits a phase into pairs of columns: even[j] = line[2 * step * j], odd[j] = line[step * (2 * j + 1)].
void split_columns(const float* line, int64_t step, int64_t pairs, float* __restrict even, float* __restrict odd) {
  if (step == 1) {
    for (int64_t j = 0; j < pairs; ++j) even[j] = line[2 * j], odd[j] = line[2 * j + 1];
  } else {
    for (int64_t j = 0; j < pairs; ++j) even[j] = line[2 * step * j], odd[j] = line[step * (2 * j + 1)];
  }
}

// Says where the four points of a line of tiles go.
struct Targets {
  float* __restrict first, * __restrict second, * __restrict third, * __restrict fourth;
};

int64_t up_to_slack(int64_t tiles) {
  constexpr int64_t kVector = WinogradTiles::kSlack + 1;
  return (tiles + kVector - 1) / kVector * kVector;
}

}  // namespace

WinogradTiles::WinogradTiles(int64_t h, int64_t w, int64_t dilation) : h_(h), w_(w), dilation_(dilation) {
  for (int64_t phase = 0; phase < std::min(dilation, h); ++phase)
    for (int64_t y = phase; y < h; y += 2 * dilation) tops_.push_back(y);
  for (int64_t phase = 0; phase < std::min(dilation, w); ++phase) {
    const int64_t width = (w - phase + dilation - 1) / dilation;
    phases_.push_back({width, row_length_, (width + 1) / 2});
    row_length_ += phases_.back().tiles;
  }
}

// Calls body(even columns, odd ones, tiles, targets) for each phase of each of the four combined lines. There is one
// more column of either kind than tiles.
template <class Body>
void WinogradTiles::for_lines(float* points, int64_t stride, const Body& body) const {
  for (size_t p = 0; p < phases_.size(); ++p) {
    const int64_t tiles = up_to_slack(phases_[p].tiles);
    for (int64_t i = 0; i < 4; ++i) {
      split_columns(lines.combined[i].data() + p, dilation_, tiles + 1, lines.even.data(), lines.odd.data());
      float* const to = points + 4 * i * stride + phases_[p].first_tile;
      body(lines.even.data(), lines.odd.data(), tiles, Targets{to, to + stride, to + 2 * stride, to + 3 * stride});
    }
  }
}

void WinogradTiles::points_of_input(const float* plane, int64_t row, float* points, int64_t stride) const {
  const int64_t d = dilation_, w = w_, top = tops_[static_cast<size_t>(row)];
  lines.prepare(line_length(), d, d + w);
  // Makes the four combinations of the tiles' rows, with a margin of zeros at the left.
  const auto row_at = [&](int64_t y) { return y >= 0 && y < h_ ? plane + y * w : nullptr; };
  const float *r0 = row_at(top - d), *r1 = row_at(top), *r2 = row_at(top + d), *r3 = row_at(top + 2 * d);
  const auto combine = [&](std::vector<float>& line, const float* plus, const float* other, float sign) {
    float* __restrict to = line.data() + d;
    if (plus != nullptr)
      std::copy_n(plus, w, to);
    else
      std::fill_n(to, w, 0.0f);
    if (other != nullptr)
      for (int64_t x = 0; x < w; ++x) to[x] += sign * other[x];
  };
  combine(lines.combined[0], r0, r2, -1);
  combine(lines.combined[1], r1, r2, 1);
  combine(lines.combined[2], r2, r1, -1);
  combine(lines.combined[3], r1, r3, -1);
  for_lines(points, stride, [](const float* even, const float* odd, int64_t tiles, Targets to) {
    for (int64_t j = 0; j < tiles; ++j) {
      to.first[j] = even[j] - even[j + 1];
      to.second[j] = odd[j] + even[j + 1];
      to.third[j] = even[j + 1] - odd[j];
      to.fourth[j] = odd[j] - odd[j + 1];
    }
  });
}

void WinogradTiles::points_of_gradient(const float* plane, int64_t row, float* points, int64_t stride) const {
  const int64_t d = dilation_, w = w_, top = tops_[static_cast<size_t>(row)];
  lines.prepare(line_length(), 0, w);
  const bool has_second = top + d < h_;
  const float *g0 = plane + top * w, *g1 = g0 + d * w;
  for (int64_t x = 0; x < w; ++x) {
    const float second = has_second ? g1[x] : 0;
    lines.combined[0][static_cast<size_t>(x)] = g0[x];
    lines.combined[1][static_cast<size_t>(x)] = g0[x] + second;
    lines.combined[2][static_cast<size_t>(x)] = g0[x] - second;
    lines.combined[3][static_cast<size_t>(x)] = -second;
  }
  for_lines(points, stride, [](const float* even, const float* odd, int64_t tiles, Targets to) {
    for (int64_t j = 0; j < tiles; ++j) {
      to.first[j] = even[j];
      to.second[j] = even[j] + odd[j];
      to.third[j] = even[j] - odd[j];
      to.fourth[j] = -odd[j];
    }
  });
}

void WinogradTiles::write_outputs(const float* points, int64_t stride, int64_t row, float* plane,
                                  const float* mask) const {
  const int64_t d = dilation_, top = tops_[static_cast<size_t>(row)];
  lines.prepare(2 * up_to_slack(row_length_), 0, 2 * up_to_slack(row_length_));
  float *upper = lines.combined[0].data(), *lower = lines.combined[1].data();
  for (size_t p = 0; p < phases_.size(); ++p) {
    const Phase& phase = phases_[p];
    const float* m = points + phase.first_tile;
    for (int64_t j = 0; j < up_to_slack(phase.tiles); ++j) {
      float above[4], below[4];
      for (int64_t q = 0; q < 4; ++q) {
        const float m0 = m[q * stride + j], m1 = m[(4 + q) * stride + j], m2 = m[(8 + q) * stride + j],
                    m3 = m[(12 + q) * stride + j];
        above[q] = m0 + m1 + m2;
        below[q] = m1 - m2 - m3;
      }
      upper[2 * j] = above[0] + above[1] + above[2];
      upper[2 * j + 1] = above[1] - above[2] - above[3];
      lower[2 * j] = below[0] + below[1] + below[2];
      lower[2 * j + 1] = below[1] - below[2] - below[3];
    }
    const auto write = [&](const float* line, int64_t y) {
      const int64_t at = y * w_ + static_cast<int64_t>(p);
      float* __restrict to = plane + at;
      if (mask == nullptr)
        for (int64_t i = 0; i < phase.width; ++i) to[i * d] = line[i];
      else
        for (int64_t i = 0; i < phase.width; ++i) to[i * d] = mask[at + i * d] > 0 ? line[i] : 0;
    };
    write(upper, top);
    if (top + d < h_) write(lower, top + d);
  }
}

void winograd_points_of_filter(const float* nine, float* points, int64_t stride) {
  float rows[4][3];
  for (int64_t x = 0; x < 3; ++x) {
    const float a = nine[x], b = nine[3 + x], c = nine[6 + x];
    rows[0][x] = a;
    rows[1][x] = (a + b + c) / 2;
    rows[2][x] = (a - b + c) / 2;
    rows[3][x] = c;
  }
  for (int64_t i = 0; i < 4; ++i) {
    const auto [a, b, c] = rows[i];
    float* to = points + 4 * i * stride;
    to[0] = a;
    to[stride] = (a + b + c) / 2;
    to[2 * stride] = (a - b + c) / 2;
    to[3 * stride] = c;
  }
}

void winograd_gradient_of_filter(const float* points, int64_t stride, float* nine) {
  float rows[4][3];
  for (int64_t i = 0; i < 4; ++i) {
    const float* from = points + 4 * i * stride;
    const float a = from[0], b = from[stride], c = from[2 * stride], d = from[3 * stride];
    rows[i][0] = a + (b + c) / 2;
    rows[i][1] = (b - c) / 2;
    rows[i][2] = (b + c) / 2 + d;
  }
  for (int64_t x = 0; x < 3; ++x) {
    const float middle = (rows[1][x] + rows[2][x]) / 2;
    nine[x] = rows[0][x] + middle;
    nine[3 + x] = (rows[1][x] - rows[2][x]) / 2;
    nine[6 + x] = middle + rows[3][x];
  }
}

}  // namespace boxseg
