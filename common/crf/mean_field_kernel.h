// Does the arithmetic of update_beliefs() for any number of lanes: 8 or 16 floats at a time give the same bits.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "common/crf/mean_field.h"
#include "common/simd/exp_log.h"

namespace boxseg::crf {

struct Sum {
  template <class F>
  BOXSEG_INLINED F operator()(const F& a, const F& b) const {
    return a + b;
  }
};
struct Largest {
  template <class F>
  BOXSEG_INLINED F operator()(const F& a, const F& b) const {
    return larger(a, b);
  }
};

// Combines the `width` neighbouring lanes of each pixel; every one of these lanes gets the result.
template <int width, class F, class Combine>
BOXSEG_INLINED F over_lanes(F v, const Combine& combine) {
  if constexpr (width >= 2) v = combine(v, exchanged<1>(v));
  if constexpr (width == 4) v = combine(v, exchanged<2>(v));
  return v;
}

// Returns z of the labels in the lanes at `at`; `total` is sum_j messages[j].
template <class F>
BOXSEG_INLINED F score_at(const BeliefUpdate& u, int64_t at, const F& total) {
  const F own = load_wide<F>(u.unary + at);
  return u.messages != nullptr ? own + (load_wide<F>(u.messages + at) + total) : own;
}

// Updates one vector of pixels: the first `lanes` floats of each panel.
template <int width, int lanes>
BOXSEG_INLINED void update_vector(const BeliefUpdate& u) {
  using F = Wide<float, lanes>;
  const int64_t end = u.panels.count * u.pixels * width, step = u.pixels * width;
  F total{};
  if (u.messages != nullptr) {
    for (int64_t at = 0; at < end; at += step) total = total + load_wide<F>(u.messages + at);
    total = over_lanes<width>(total, Sum{});
  }
  F largest{};  // the last label's score is 0
  for (int64_t at = 0; at < end; at += step) largest = larger(largest, score_at(u, at, total));
  largest = over_lanes<width>(largest, Largest{});
  F sum{};
  for (int64_t at = 0; at < end; at += step) {
    const F e = exp_of_negative(score_at(u, at, total) - largest);
    sum = sum + e;
    store_wide(u.beliefs + at, e);
  }
  const F e_last = exp_of_negative(F{} - largest);
  sum = over_lanes<width>(sum, Sum{}) + e_last;
  for (int64_t at = 0; at < end; at += step) store_wide(u.beliefs + at, load_wide<F>(u.beliefs + at) / sum);
  if (u.last == nullptr) return;
  const F q = e_last / sum;
  for (int pixel = 0; pixel < lanes / width; ++pixel) u.last[pixel] = q[pixel * width];
}

// Returns the same update for the pixels from `pixel` on.
BOXSEG_INLINED BeliefUpdate starting_at(int64_t pixel, BeliefUpdate u) {
  u.unary += pixel * u.panels.width;
  u.beliefs += pixel * u.panels.width;
  if (u.messages != nullptr) u.messages += pixel * u.panels.width;
  if (u.last != nullptr) u.last += pixel;
  return u;
}

// Updates fewer pixels than a vector holds, through copies as long as one.
template <int width, int lanes>
BOXSEG_INLINED void update_few(const BeliefUpdate& u, int64_t pixels) {
  std::vector<float> unary(static_cast<size_t>(u.panels.count) * lanes, 0.0f), messages = unary, beliefs = unary;
  float last[lanes];
  const size_t bytes = static_cast<size_t>(pixels * width) * sizeof(float);
  for (int64_t i = 0; i < u.panels.count; ++i) {
    std::memcpy(unary.data() + i * lanes, u.unary + i * u.pixels * width, bytes);
    if (u.messages != nullptr) std::memcpy(messages.data() + i * lanes, u.messages + i * u.pixels * width, bytes);
  }
  update_vector<width, lanes>(
      {u.panels, lanes / width, unary.data(), u.messages == nullptr ? nullptr : messages.data(), beliefs.data(), last});
  for (int64_t i = 0; i < u.panels.count; ++i)
    std::memcpy(u.beliefs + i * u.pixels * width, beliefs.data() + i * lanes, bytes);
  if (u.last != nullptr) std::copy_n(last, pixels, u.last);
}

template <int width, int lanes>
BOXSEG_INLINED void update_panels(const BeliefUpdate& u, int64_t from, int64_t to) {
  constexpr int64_t kPixels = lanes / width;
  for (; from + kPixels <= to; from += kPixels) update_vector<width, lanes>(starting_at(from, u));
  if (from < to) update_few<width, lanes>(starting_at(from, u), to - from);
}

template <int lanes>
BOXSEG_INLINED void update_beliefs_in(const BeliefUpdate& u, int64_t from, int64_t to) {
  switch (u.panels.width) {
    case 1:
      return update_panels<1, lanes>(u, from, to);
    case 2:
      return update_panels<2, lanes>(u, from, to);
    default:
      return update_panels<4, lanes>(u, from, to);
  }
}

}  // namespace boxseg::crf
