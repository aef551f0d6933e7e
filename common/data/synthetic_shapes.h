// Makes shapes, textures and noise of the synthetic dataset by pure functions of coordinates.
#pragma once
#include <array>
#include <cstdint>

#include "common/base/random.h"

namespace boxseg {

enum class ShapeKind { star, leaf, ring, moon, cross, blob, hook, stick };

// A shape in its own frame, where it lies within the disc of radius 1.
struct Shape {
  ShapeKind kind = ShapeKind::star;
  std::array<double, 6> p{};  // proportions, drawn once
  bool contains(double u, double v) const;
};
Shape draw_shape(ShapeKind kind, Random& random);

// Returns smooth noise in [-1, 1] with a period of about 1 in x and y; another `seed` is another field.
double value_noise(double x, double y, uint32_t seed);
// Adds up several octaves of value_noise(); the sum is still about [-1, 1].
double fractal_noise(double x, double y, uint32_t seed, int octaves);

// Returns the brightness pattern in [-1, 1] on an object, in its frame; every class has its own.
double object_texture(ShapeKind kind, double u, double v, uint32_t seed);

using Rgb = std::array<double, 3>;  // 0 .. 1
Rgb hsv(double hue_degrees, double saturation, double value);

struct HueRange {
  double low, high;
};
HueRange hues_of(ShapeKind kind);

}  // namespace boxseg
