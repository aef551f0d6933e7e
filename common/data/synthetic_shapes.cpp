#include "common/data/synthetic_shapes.h"

#include <algorithm>
#include <cmath>

namespace boxseg {
namespace {

uint32_t mix_bits(uint32_t x) {  // an integer hash (Wellons, "lowbias32")
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

double lattice(int64_t x, int64_t y, uint32_t seed) {
  const uint32_t h = mix_bits(mix_bits(static_cast<uint32_t>(x) + seed) + static_cast<uint32_t>(y) * 0x9e3779b9u);
  return static_cast<double>(h) / 2147483648.0 - 1;
}

double smooth(double t) { return t * t * (3 - 2 * t); }

// Goes 0 .. 1 .. 0 along a period of 1.
double triangle_wave(double t) { return 1 - std::fabs(2 * (t - std::floor(t)) - 1); }

double square(double x) { return x * x; }

bool is_in_capsule(double u, double v, double ux, double vx, double uy, double vy, double radius) {
  const double du = uy - ux, dv = vy - vx;
  const double t = std::clamp(((u - ux) * du + (v - vx) * dv) / (du * du + dv * dv), 0.0, 1.0);
  return square(u - ux - t * du) + square(v - vx - t * dv) <= radius * radius;
}

}  // namespace

Shape draw_shape(ShapeKind kind, Random& random) {
  Shape shape;
  shape.kind = kind;
  auto& p = shape.p;
  switch (kind) {
    case ShapeKind::star:  // points, inner radius
      p = {static_cast<double>(5 + random.below(3)), random.uniform(0.38, 0.52)};
      break;
    case ShapeKind::leaf:  // radius of the two arcs: larger is thinner
      p = {random.uniform(1.15, 1.6)};
      break;
    case ShapeKind::ring:  // inner radius, flattening
      p = {random.uniform(0.45, 0.62), random.uniform(0.7, 1.0)};
      break;
    case ShapeKind::moon:  // centre and radius of what is cut out
      p = {random.uniform(0.35, 0.55), random.uniform(0.7, 0.85)};
      break;
    case ShapeKind::cross:  // half width of the arms, length of the second
      p = {random.uniform(0.17, 0.26), random.uniform(0.7, 0.97)};
      break;
    case ShapeKind::blob:  // amplitudes and phases of three waves
      p = {random.uniform(0.1, 0.2), random.uniform(0.08, 0.16), random.uniform(0.03, 0.08),
           random.uniform(0, 6.28),  random.uniform(0, 6.28),    random.uniform(0, 6.28)};
      break;
    case ShapeKind::hook:  // half width, where the corner lies
      p = {random.uniform(0.16, 0.24), random.uniform(-0.5, -0.2)};
      break;
    case ShapeKind::stick:  // half width
      p = {random.uniform(0.1, 0.16)};
      break;
  }
  return shape;
}

bool Shape::contains(double u, double v) const {
  const double r2 = u * u + v * v;
  if (r2 > 1) return false;
  switch (kind) {
    case ShapeKind::star: {
      const double turn = (std::atan2(v, u) / (2 * M_PI) + 1) * p[0];
      return std::sqrt(r2) <= p[1] + (1 - p[1]) * square(triangle_wave(turn));
    }
    case ShapeKind::leaf: {  // the lens between two arcs through (-1,0) and (1,0)
      const double centre = std::sqrt(square(p[0]) - 1);
      return square(std::fabs(v) + centre) + u * u <= square(p[0]);
    }
    case ShapeKind::ring: {
      const double flat = u * u + square(v / p[1]);
      return flat <= 1 && flat >= square(p[0]);
    }
    case ShapeKind::moon:
      return square(u - p[0]) + v * v >= square(p[1]);
    case ShapeKind::cross:
      return (std::fabs(v) <= p[0] && std::fabs(u) <= 0.97) || (std::fabs(u) <= p[0] && std::fabs(v) <= p[1]);
    case ShapeKind::blob: {
      const double a = std::atan2(v, u);
      const double radius =
          0.62 + p[0] * std::sin(2 * a + p[3]) + p[1] * std::sin(3 * a + p[4]) + p[2] * std::sin(5 * a + p[5]);
      return r2 <= square(radius);
    }
    case ShapeKind::hook:
      return is_in_capsule(u, v, p[1], -0.75, p[1], 0.55, p[0]) || is_in_capsule(u, v, p[1], 0.55, 0.65, 0.55, p[0]);
    case ShapeKind::stick:
      return is_in_capsule(u, v, -0.85, 0, 0.85, 0, p[0]);
  }
  return false;
}

double value_noise(double x, double y, uint32_t seed) {
  const double fx = std::floor(x), fy = std::floor(y);
  const auto ix = static_cast<int64_t>(fx), iy = static_cast<int64_t>(fy);
  const double tx = smooth(x - fx), ty = smooth(y - fy);
  const double top = lattice(ix, iy, seed) * (1 - tx) + lattice(ix + 1, iy, seed) * tx;
  const double bottom = lattice(ix, iy + 1, seed) * (1 - tx) + lattice(ix + 1, iy + 1, seed) * tx;
  return top * (1 - ty) + bottom * ty;
}

double fractal_noise(double x, double y, uint32_t seed, int octaves) {
  double sum = 0, weight = 1, total = 0;
  for (int i = 0; i < octaves; ++i, weight *= 0.5, x *= 2.03, y *= 2.03) {
    sum += weight * value_noise(x, y, seed + static_cast<uint32_t>(i) * 7919u);
    total += weight;
  }
  return sum / total * 1.6;
}

double object_texture(ShapeKind kind, double u, double v, uint32_t seed) {
  const double r = std::sqrt(u * u + v * v), a = std::atan2(v, u);
  const double grain = 0.5 * value_noise(u * 9, v * 9, seed);
  switch (kind) {
    case ShapeKind::star:  // dots
      return grain + (square(triangle_wave(u * 4) - 0.5) + square(triangle_wave(v * 4) - 0.5) < 0.07 ? 0.8 : -0.3);
    case ShapeKind::leaf:  // a midrib and veins
      return grain + (std::fabs(v) < 0.05 ? 1.0 : 0.8 * (triangle_wave(u * 4 - std::fabs(v) * 3) - 0.5));
    case ShapeKind::ring:  // segments
      return grain + (std::sin(8 * a) > 0 ? 0.5 : -0.5);
    case ShapeKind::moon:  // craters
      return 0.9 * value_noise(u * 4, v * 4, seed) + 0.4 * grain;
    case ShapeKind::cross:  // checks
      return grain + ((triangle_wave(u * 3) > 0.5) == (triangle_wave(v * 3) > 0.5) ? 0.45 : -0.45);
    case ShapeKind::blob:  // rings around the centre
      return grain + 0.6 * std::sin(12 * r);
    case ShapeKind::hook:  // stripes across
      return grain + 0.7 * std::sin(14 * (u + v));
    case ShapeKind::stick:  // bands
      return grain + (triangle_wave(u * 3) > 0.5 ? 0.4 : -0.4);
  }
  return grain;
}

Rgb hsv(double hue_degrees, double saturation, double value) {
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue_degrees / 60 + 6, 6);
    return value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
  };
  return {channel(5), channel(3), channel(1)};
}

HueRange hues_of(ShapeKind kind) {
  switch (kind) {
    case ShapeKind::star:
      return {18, 42};  // orange
    case ShapeKind::leaf:
      return {95, 135};  // green
    case ShapeKind::ring:
      return {205, 230};  // blue
    case ShapeKind::moon:
      return {285, 315};  // violet
    case ShapeKind::cross:
      return {345, 362};  // red
    case ShapeKind::blob:
      return {165, 188};  // turquoise
    case ShapeKind::hook:
      return {54, 72};  // yellow
    case ShapeKind::stick:
      return {245, 265};  // indigo
  }
  return {0, 360};
}

}  // namespace boxseg
