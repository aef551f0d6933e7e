#include "common/data/resample.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/error.h"

namespace boxseg {
namespace {

int64_t scaled(int64_t n, double factor) {
  return std::max<int64_t>(1, static_cast<int64_t>(std::nearbyint(static_cast<double>(n) * factor)));
}

// Says where one output position samples along an axis: between source positions `low` and `high`.
struct Tap {
  int64_t low, high;
  float weight;  // weight of the value at `high`
};

Tap tap(int64_t position, int64_t n, double step) {
  const double at = (static_cast<double>(position) + 0.5) * step - 0.5;
  const auto low = static_cast<int64_t>(std::floor(at));
  if (low < 0) return {0, 0, 0};
  if (low >= n - 1) return {n - 1, n - 1, 0};
  return {low, low + 1, static_cast<float>(at - static_cast<double>(low))};
}

// This is OpenCV's form, with the fused multiply-add that its vector code uses.
float mix(float a, float b, float weight) { return std::fma(b - a, weight, a); }

// Samples one source row at the window's columns: [width,3]. Pixels are taken four values at a time, which become
// single vector operations; the fourth is overwritten by the next pixel. So `to` and `line` (scratch: the row as
// floats) have one value to spare.
template <class T>
void sample_row(const T* row, int64_t values, const std::vector<Tap>& columns, std::vector<float>& line, float* to) {
  std::copy_n(row, values, line.begin());
  for (const Tap& t : columns) {
    const float* a = line.data() + t.low * 3;
    const float* b = line.data() + t.high * 3;
    float mixed[4];
    for (int c = 0; c < 4; ++c) mixed[c] = mix(a[c], b[c], t.weight);
    for (int c = 0; c < 4; ++c) to[c] = mixed[c];
    to += 3;
  }
}

// Averages 2x2 source pixels, or those of them that exist at an odd right or lower edge.
template <class T>
void halve(const T* from, ImageSize size, const Window& window, float* to, int64_t stride) {
  for (int64_t y = window.y0; y < window.y1; ++y)
    for (int64_t x = window.x0; x < window.x1; ++x) {
      const int64_t rows = std::min<int64_t>(2, size.height - 2 * y),
                    columns = std::min<int64_t>(2, size.width - 2 * x);
      const float share = 1.0f / static_cast<float>(rows * columns);
      for (int64_t c = 0; c < 3; ++c) {
        float sum = 0;
        for (int64_t j = 0; j < rows; ++j)
          for (int64_t i = 0; i < columns; ++i)
            sum += static_cast<float>(from[((2 * y + j) * size.width + 2 * x + i) * 3 + c]);
        to[(y - window.y0) * stride + (x - window.x0) * 3 + c] = sum * share;
      }
    }
}

void check(ImageSize size, double factor, const Window& w) {
  const ImageSize to = scaled_size(size, factor);
  ensure(0 <= w.y0 && w.y0 <= w.y1 && w.y1 <= to.height && 0 <= w.x0 && w.x0 <= w.x1 && w.x1 <= to.width,
         "resample: window [{},{}) x [{},{}) of {}x{} pixels", w.x0, w.x1, w.y0, w.y1, to.width, to.height);
}

}  // namespace

ImageSize scaled_size(ImageSize size, double factor) {
  ensure(factor > 0 && size.height > 0 && size.width > 0, "scaling {}x{} pixels by {}", size.width, size.height,
         factor);
  return {scaled(size.height, factor), scaled(size.width, factor)};
}

template <class T>
void resample_bilinear(const T* from, ImageSize size, double factor, const Window& window, float* to, int64_t stride) {
  check(size, factor, window);
  if (factor == 0.5 && size.height > 1 && size.width > 1) return halve(from, size, window, to, stride);
  const double step = 1 / factor;
  std::vector<Tap> columns;
  for (int64_t x = window.x0; x < window.x1; ++x) columns.push_back(tap(x, size.width, step));
  // Holds the two source rows in use, sampled; row r lives in slot r % 2.
  const auto n = static_cast<size_t>(window.width() * 3);
  std::array<std::vector<float>, 2> rows = {std::vector<float>(n + 1), std::vector<float>(n + 1)};
  std::array<int64_t, 2> held = {-1, -1};
  std::vector<float> line(static_cast<size_t>(size.width * 3 + 1));
  const auto row = [&](int64_t r) -> const float* {
    const auto slot = static_cast<size_t>(r % 2);
    if (held[slot] != r) sample_row(from + r * size.width * 3, size.width * 3, columns, line, rows[slot].data());
    held[slot] = r;
    return rows[slot].data();
  };
  for (int64_t y = window.y0; y < window.y1; ++y, to += stride) {
    const Tap t = tap(y, size.height, step);
    const float* a = row(t.low);
    const float* b = row(t.high);
    for (size_t i = 0; i < n; ++i) to[i] = mix(a[i], b[i], t.weight);
  }
}
template void resample_bilinear(const uint8_t*, ImageSize, double, const Window&, float*, int64_t);
template void resample_bilinear(const float*, ImageSize, double, const Window&, float*, int64_t);

void resample_nearest(const uint8_t* from, ImageSize size, double factor, const Window& window, uint8_t* to,
                      int64_t stride) {
  check(size, factor, window);
  const double step = 1 / factor;
  const auto source = [&](int64_t position, int64_t n) {
    return std::min(static_cast<int64_t>(std::floor(static_cast<double>(position) * step)), n - 1);
  };
  std::vector<int64_t> columns;
  for (int64_t x = window.x0; x < window.x1; ++x) columns.push_back(source(x, size.width));
  for (int64_t y = window.y0; y < window.y1; ++y, to += stride) {
    const uint8_t* row = from + source(y, size.height) * size.width;
    for (size_t i = 0; i < columns.size(); ++i) to[i] = row[columns[i]];
  }
}

}  // namespace boxseg
