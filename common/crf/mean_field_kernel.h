// Does the arithmetic of update_beliefs() for any number of lanes: 8 or 16 floats at a time give the same bits.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "common/crf/mean_field.h"
#include "common/simd/floats.h"

namespace boxseg::crf {

// Returns exp(x) for x <= 0, within 2 units in the last place; 0 below the smallest normal number. The method is that
// of Cephes' expf: x = n log 2 + rest, and a polynomial for the rest.
template <int lanes>
BOXSEG_INLINED Floats<lanes> exp_of_negative(const Floats<lanes>& x) {
  using F = Floats<lanes>;
  constexpr float kLeast = -87.33654f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, which the low bits then hold
  const F clipped = larger(x, F::spread(kLeast));
  const F shifted = clipped * 1.44269504088896341f + kRound;
  const F n = shifted - kRound;
  const F rest = (clipped - n * 0.693359375f) - n * -2.12194440e-4f;
  F y = F::spread(1.9875691500e-4f);
  y = y * rest + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * (rest * rest) + rest + 1.0f;
  const F power = F::of((typename F::Vector)((shifted.bits() - 0x4B400000 + 127) << 23));
  return where_at_least(kLeast, x, y * power);
}

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
template <int width, int lanes, class Combine>
BOXSEG_INLINED Floats<lanes> over_lanes(Floats<lanes> v, const Combine& combine) {
  if constexpr (width >= 2) v = combine(v, v.template exchanged<1>());
  if constexpr (width == 4) v = combine(v, v.template exchanged<2>());
  return v;
}

// Returns z of the labels in the lanes at `at`; `total` is sum_j messages[j].
template <int lanes>
BOXSEG_INLINED Floats<lanes> score_at(const BeliefUpdate& u, int64_t at, const Floats<lanes>& total) {
  using F = Floats<lanes>;
  const F own = F::load(u.unary + at);
  return u.messages != nullptr ? own + (F::load(u.messages + at) + total) : own;
}

// Updates one vector of pixels: the first `lanes` floats of each panel.
template <int width, int lanes>
BOXSEG_INLINED void update_vector(const BeliefUpdate& u) {
  using F = Floats<lanes>;
  const int64_t end = u.panels.count * u.pixels * width, step = u.pixels * width;
  F total = F::spread(0);
  if (u.messages != nullptr) {
    for (int64_t at = 0; at < end; at += step) total = total + F::load(u.messages + at);
    total = over_lanes<width>(total, Sum{});
  }
  F largest = F::spread(0);  // the last label's score is 0
  for (int64_t at = 0; at < end; at += step) largest = larger(largest, score_at(u, at, total));
  largest = over_lanes<width>(largest, Largest{});
  F sum = F::spread(0);
  for (int64_t at = 0; at < end; at += step) {
    const F e = exp_of_negative(score_at(u, at, total) - largest);
    sum = sum + e;
    e.store(u.beliefs + at);
  }
  const F e_last = exp_of_negative(F::spread(0) - largest);
  sum = over_lanes<width>(sum, Sum{}) + e_last;
  for (int64_t at = 0; at < end; at += step) (F::load(u.beliefs + at) / sum).store(u.beliefs + at);
  if (u.last == nullptr) return;
  const F q = e_last / sum;
  for (int pixel = 0; pixel < lanes / width; ++pixel) u.last[pixel] = q.value[pixel * width];
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
