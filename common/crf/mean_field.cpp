#include "common/crf/mean_field.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace boxseg::crf {
namespace {

Float8 load(const float* p) {
  Float8 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
void store(float* p, Float8 v) { std::memcpy(p, &v, sizeof v); }
Float8 splat(float x) { return Float8{x, x, x, x, x, x, x, x}; }
Float8 larger(Float8 a, Float8 b) { return a > b ? a : b; }

// exp(x) for x <= 0, within 2 units in the last place; 0 below the smallest normal number. The method is that of
// Cephes' expf: x = n log 2 + rest, a polynomial for the rest.
Float8 exp_of_negative(Float8 x) {
  const Float8 clipped = larger(x, splat(-87.33654f));
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, which the low bits then hold
  const Float8 shifted = clipped * 1.44269504088896341f + kRound;
  const Float8 n = shifted - kRound;
  const Float8 rest = (clipped - n * 0.693359375f) - n * -2.12194440e-4f;
  Float8 y = splat(1.9875691500e-4f);
  y = y * rest + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * (rest * rest) + rest + 1.0f;
  Int8 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000 + 127) << 23;
  Float8 power;
  std::memcpy(&power, &bits, sizeof power);
  return x < -87.33654f ? Float8{} : y * power;
}

// Sums, or maxima, over the `width` neighbouring lanes of each pixel, in every one of these lanes.
template <int width, class Combine>
Float8 over_lanes(Float8 v, const Combine& combine) {
  if constexpr (width >= 2) v = combine(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6));
  if constexpr (width == 4) v = combine(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5));
  return v;
}

// One vector of pixels: lanes [at, at + 8) of each panel.
template <int width>
void update_vector(int64_t panels, int64_t panel_size, const float* unary, const float* messages, float* beliefs,
                   float* last) {
  const auto add = [](Float8 a, Float8 b) { return a + b; };
  Float8 total{};
  if (messages != nullptr) {
    for (int64_t i = 0; i < panels; ++i) total += load(messages + i * panel_size);
    total = over_lanes<width>(total, add);
  }
  const auto score = [&](int64_t i) {
    const Float8 own = load(unary + i * panel_size);
    return messages != nullptr ? own + (load(messages + i * panel_size) + total) : own;
  };
  Float8 largest{};  // the last label's score is 0
  for (int64_t i = 0; i < panels; ++i) largest = larger(largest, score(i));
  largest = over_lanes<width>(largest, larger);
  Float8 sum{};
  for (int64_t i = 0; i < panels; ++i) {
    const Float8 e = exp_of_negative(score(i) - largest);
    sum += e;
    store(beliefs + i * panel_size, e);
  }
  const Float8 e_last = exp_of_negative(-largest);
  sum = over_lanes<width>(sum, add) + e_last;
  for (int64_t i = 0; i < panels; ++i) store(beliefs + i * panel_size, load(beliefs + i * panel_size) / sum);
  if (last == nullptr) return;
  const Float8 q = e_last / sum;
  for (int pixel = 0; pixel < 8 / width; ++pixel) last[pixel] = q[pixel * width];
}

template <int width>
void update(const Panels& panels, int64_t pixels, int64_t from, int64_t to, const float* unary, const float* messages,
            float* beliefs, float* last) {
  constexpr int kPixels = 8 / width;
  const int64_t size = pixels * width;
  int64_t p = from;
  for (; p + kPixels <= to; p += kPixels)
    update_vector<width>(panels.count, size, unary + p * width, messages == nullptr ? nullptr : messages + p * width,
                         beliefs + p * width, last == nullptr ? nullptr : last + p);
  if (p == to) return;
  // The last few pixels, through copies that are a whole vector long.
  const size_t rest = static_cast<size_t>(to - p), bytes = rest * width * sizeof(float);
  std::vector<float> u(static_cast<size_t>(panels.count) * 8, 0.0f), m = u, q = u;
  float q_last[8];
  for (int64_t i = 0; i < panels.count; ++i) {
    std::memcpy(&u[static_cast<size_t>(i) * 8], unary + i * size + p * width, bytes);
    if (messages != nullptr) std::memcpy(&m[static_cast<size_t>(i) * 8], messages + i * size + p * width, bytes);
  }
  update_vector<width>(panels.count, 8, u.data(), messages == nullptr ? nullptr : m.data(), q.data(), q_last);
  for (int64_t i = 0; i < panels.count; ++i)
    std::memcpy(beliefs + i * size + p * width, &q[static_cast<size_t>(i) * 8], bytes);
  if (last != nullptr) std::memcpy(last + p, q_last, rest * sizeof(float));
}

}  // namespace

void update_beliefs(const Panels& panels, int64_t pixels, int64_t from, int64_t to, const float* unary,
                    const float* messages, float* beliefs, float* last) {
  switch (panels.width) {
    case 1: return update<1>(panels, pixels, from, to, unary, messages, beliefs, last);
    case 2: return update<2>(panels, pixels, from, to, unary, messages, beliefs, last);
    default: return update<4>(panels, pixels, from, to, unary, messages, beliefs, last);
  }
}

}  // namespace boxseg::crf
