// Resizes by a factor as OpenCV 4.11's resize does when given fx, fy and no size: the sampling step is 1/factor, not
// the ratio of the rounded sizes. It is written out here because results must not depend on the OpenCV that a machine
// has: 4.6 (Debian 12) computes positions in float32 and is up to 8e-4 grey levels away from the authors' numbers,
// which decides truncations later. Against augment.h5 these functions are equal to the bit, but for 1 value in 10000 in
// the last row, where OpenCV's vector code leaves a remainder (8e-6 grey levels).
#pragma once
#include <cstdint>
#include <vector>

#include "common/io/image.h"

namespace boxseg {

// Rounds half to even; a side has at least 1 pixel.
ImageSize scaled_size(ImageSize size, double factor);

// A window is a part of the scaled image, half-open.
struct Window {
  int64_t y0 = 0, x0 = 0, y1 = 0, x1 = 0;
  int64_t height() const { return y1 - y0; }
  int64_t width() const { return x1 - x0; }
};

// Resamples bilinearly. from: [H,W,3] of uint8_t or float; to: [window height, window width, 3] with `stride` values
// from row to row. At factor 0.5, where OpenCV's bilinear is a mean of 2x2 pixels, so is this one; at 1 it copies.
template <class T>
void resample_bilinear(const T* from, ImageSize size, double factor, const Window& window, float* to, int64_t stride);

// Takes the nearest pixel of one channel, at source position floor(x / factor).
void resample_nearest(const uint8_t* from, ImageSize size, double factor, const Window& window, uint8_t* to,
                      int64_t stride);

}  // namespace boxseg
