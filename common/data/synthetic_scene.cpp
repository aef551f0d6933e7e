// Renders one synthetic picture: background, clutter, then objects from back to front.
#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/data/synthetic.h"
#include "common/data/synthetic_shapes.h"

namespace boxseg {
namespace {

constexpr int kSub = 3;                 // samples per pixel side, for smooth outlines
constexpr int64_t kSmallestSide = 6;    // shortest side of a visible box, in pixels
constexpr int64_t kSmallestArea = 24;   // visible pixels
constexpr double kVisibleShare = 0.45;  // share of an object that must stay uncovered

struct Canvas {
  int64_t height, width;
  std::vector<Rgb> pixels;
  Canvas(int64_t h, int64_t w) : height(h), width(w), pixels(static_cast<size_t>(h * w)) {}
  Rgb& at(int64_t y, int64_t x) { return pixels[static_cast<size_t>(y * width + x)]; }
};

Rgb blend(const Rgb& a, const Rgb& b, double share) {
  return {a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share};
}

Rgb brighter(const Rgb& c, double by) { return {c[0] * (1 + by), c[1] * (1 + by), c[2] * (1 + by)}; }

// Describes a muted material: its colour varies along a texture between two tones.
struct Material {
  int kind;  // 0 plaster, 1 wood, 2 tiles, 3 pebbles
  Rgb dark, light;
  double scale, cos_a, sin_a;
  uint32_t seed;
  Rgb at(double x, double y) const;
};

Material draw_material(Random& random) {
  const double hue = random.uniform(0, 360), saturation = random.uniform(0.02, 0.22), value = random.uniform(0.35, 0.8);
  const double contrast = random.uniform(0.05, 0.12), angle = random.uniform(0, M_PI);
  Material m;
  m.kind = static_cast<int>(random.below(4));
  m.dark = hsv(hue, saturation + 0.03, value * (1 - contrast));
  m.light = hsv(hue, saturation, value * (1 + contrast));
  m.scale = random.uniform(9, 18);
  m.cos_a = std::cos(angle);
  m.sin_a = std::sin(angle);
  m.seed = random.bits();
  return m;
}

// Measures the distances to the nearest and second nearest of random points, one per cell, and returns how much they
// differ, which is little at borders.
double pebble_border(double x, double y, uint32_t seed) {
  double first = 9, second = 9;
  for (int64_t j = -1; j <= 1; ++j)
    for (int64_t i = -1; i <= 1; ++i) {
      const double cx = std::floor(x) + static_cast<double>(i), cy = std::floor(y) + static_cast<double>(j);
      const double px = cx + 0.5 + 0.4 * value_noise(cx, cy, seed), py = cy + 0.5 + 0.4 * value_noise(cx, cy, seed + 1);
      const double d = std::hypot(px - x, py - y);
      if (d < first)
        second = first, first = d;
      else
        second = std::min(second, d);
    }
  return second - first;
}

Rgb Material::at(double x, double y) const {
  const double u = (x * cos_a + y * sin_a) / scale, v = (y * cos_a - x * sin_a) / scale;
  double t = 0;  // -1 dark .. 1 light
  switch (kind) {
    case 0:
      t = fractal_noise(u, v, seed, 3);
      break;
    case 1:
      t = fractal_noise(u * 0.25, v * 2.5, seed, 2);
      break;
    case 2: {
      const double fu = u - std::floor(u), fv = v - std::floor(v);
      t = fu < 0.08 || fv < 0.08
              ? -1
              : 0.3 + 0.5 * value_noise(std::floor(u), std::floor(v), seed) + 0.2 * value_noise(u * 5, v * 5, seed);
      break;
    }
    default: {
      const double border = pebble_border(u * 1.6, v * 1.6, seed);
      t = border < 0.12 ? -1 : 0.2 + 0.6 * fractal_noise(u, v, seed, 2);
    }
  }
  return blend(dark, light, 0.5 + 0.5 * std::clamp(t, -1.0, 1.0));
}

// Paints one material, or two that meet at a wavy line; then light from one side.
void paint_background(Canvas& canvas, Random& random) {
  const Material first = draw_material(random), second = draw_material(random);
  const bool has_two = random.uniform() < 0.4;
  const double angle = random.uniform(0, 2 * M_PI), offset = random.uniform(-0.2, 0.2),
               light = random.uniform(0, 2 * M_PI);
  const uint32_t wave = random.bits();
  const double h = static_cast<double>(canvas.height), w = static_cast<double>(canvas.width), side = std::max(h, w);
  for (int64_t y = 0; y < canvas.height; ++y)
    for (int64_t x = 0; x < canvas.width; ++x) {
      const double px = static_cast<double>(x), py = static_cast<double>(y);
      const double cx = (px - w / 2) / side, cy = (py - h / 2) / side;
      const double along = cx * std::cos(angle) + cy * std::sin(angle);
      const bool is_second = has_two && along + 0.04 * value_noise(cx * 6, cy * 6, wave) > offset;
      const double shade = 0.10 * (cx * std::cos(light) + cy * std::sin(light));
      canvas.at(y, x) = brighter((is_second ? second : first).at(px, py), shade);
    }
}

// A thing that is drawn on the canvas: a shape placed in the image, with a colour per point.
struct Placed {
  Shape shape;
  double x, y, radius, cos_a, sin_a, aspect;
  int64_t class_id = 0;
  Rgb color{};
  uint32_t seed = 0;
  double texture_amplitude = 0, shade_angle = 0;

  void to_local(double px, double py, double& u, double& v) const {
    const double dx = (px - x) / radius, dy = (py - y) / radius;
    u = dx * cos_a + dy * sin_a;
    v = (dy * cos_a - dx * sin_a) / aspect;
  }
};

// Holds the share of each pixel that the shape covers, over the part of its bounding square inside the canvas.
struct Coverage {
  int64_t y0, x0, y1, x1;
  std::vector<float> share;
  float at(int64_t y, int64_t x) const { return share[static_cast<size_t>((y - y0) * (x1 - x0) + x - x0)]; }
};

Coverage cover(const Placed& o, int64_t height, int64_t width) {
  const auto low = [](double v) { return std::max<int64_t>(0, static_cast<int64_t>(std::floor(v))); };
  const auto high = [](double v, int64_t n) { return std::min(n, static_cast<int64_t>(std::ceil(v)) + 1); };
  Coverage c{low(o.y - o.radius), low(o.x - o.radius), high(o.y + o.radius, height), high(o.x + o.radius, width), {}};
  c.y1 = std::max(c.y1, c.y0);
  c.x1 = std::max(c.x1, c.x0);
  c.share.reserve(static_cast<size_t>((c.y1 - c.y0) * (c.x1 - c.x0)));
  for (int64_t y = c.y0; y < c.y1; ++y)
    for (int64_t x = c.x0; x < c.x1; ++x) {
      int inside = 0;
      for (int s = 0; s < kSub * kSub; ++s) {
        const int row = s / kSub, column = s % kSub;
        double u, v;
        o.to_local(static_cast<double>(x) + (column + 0.5) / kSub, static_cast<double>(y) + (row + 0.5) / kSub, u, v);
        inside += o.shape.contains(u, v);
      }
      c.share.push_back(static_cast<float>(inside) / (kSub * kSub));
    }
  return c;
}

void paint(Canvas& canvas, const Placed& o, const Coverage& c) {
  for (int64_t y = c.y0; y < c.y1; ++y)
    for (int64_t x = c.x0; x < c.x1; ++x) {
      const double share = c.at(y, x);
      if (share == 0) continue;
      double u, v;
      o.to_local(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5, u, v);
      const double texture =
          o.texture_amplitude == 0 ? 0 : o.texture_amplitude * object_texture(o.shape.kind, u, v, o.seed);
      const double shade = 0.07 * (u * std::cos(o.shade_angle) + v * std::sin(o.shade_angle));
      canvas.at(y, x) = blend(canvas.at(y, x), brighter(o.color, texture + shade), share);
    }
}

// Paints a soft shadow on what lies below, so that objects lie on something.
void paint_shadow(Canvas& canvas, Placed o) {
  const double depth = 0.10;
  const double shift = std::clamp(o.radius * 0.06, 0.7, 3.0);
  o.x += shift;
  o.y += shift;
  const Coverage c = cover(o, canvas.height, canvas.width);
  for (int64_t y = c.y0; y < c.y1; ++y)
    for (int64_t x = c.x0; x < c.x1; ++x) canvas.at(y, x) = brighter(canvas.at(y, x), -depth * c.at(y, x));
}

void turn(Placed& o, double angle) {
  o.cos_a = std::cos(angle);
  o.sin_a = std::sin(angle);
}

// Paints things of no class: small, muted pieces of the classes' and other shapes.
void paint_clutter(Canvas& canvas, Random& random) {
  const int64_t pieces = random.below(7);
  const double side = static_cast<double>(std::min(canvas.height, canvas.width));
  for (int64_t i = 0; i < pieces; ++i) {
    Placed o;
    o.shape = draw_shape(static_cast<ShapeKind>(random.below(8)), random);
    o.x = random.uniform(0, static_cast<double>(canvas.width));
    o.y = random.uniform(0, static_cast<double>(canvas.height));
    o.radius = side * random.uniform(0.04, 0.16);
    o.aspect = random.uniform(0.6, 1);
    turn(o, random.uniform(0, 2 * M_PI));
    o.color = hsv(random.uniform(0, 360), random.uniform(0, 0.25), random.uniform(0.3, 0.85));
    paint(canvas, o, cover(o, canvas.height, canvas.width));
  }
}

Placed draw_object(int64_t class_id, double size, const Canvas& canvas, Random& random) {
  const auto kind = static_cast<ShapeKind>(class_id - 1);
  Placed o;
  o.class_id = class_id;
  o.shape = draw_shape(kind, random);
  o.radius = size / 2;
  o.aspect = random.uniform(0.75, 1);
  // Thin shapes lie at an angle, never along an axis, where they would fill their box.
  const bool is_thin = kind == ShapeKind::leaf || kind == ShapeKind::stick;
  turn(o, is_thin ? random.uniform(0.25, 0.75) * M_PI / 2 + M_PI / 2 * static_cast<double>(random.below(2))
                  : random.uniform(0, 2 * M_PI));
  o.x = random.uniform(0.08, 0.92) * static_cast<double>(canvas.width);
  o.y = random.uniform(0.08, 0.92) * static_cast<double>(canvas.height);
  const HueRange hue = hues_of(kind);
  o.color = hsv(random.uniform(hue.low, hue.high), random.uniform(0.55, 0.9), random.uniform(0.5, 0.92));
  o.seed = random.bits();
  o.texture_amplitude = random.uniform(0.03, 0.08);
  o.shade_angle = random.uniform(0, 2 * M_PI);
  return o;
}

// Says which object each pixel shows: 0 none, i + 1 for object i.
struct Scene {
  int64_t height, width;
  std::vector<uint8_t> owner;
  std::vector<Placed> objects;
  std::vector<int64_t> full_area;  // in the frame, before anything covered it

  std::vector<int64_t> visible(const std::vector<uint8_t>& map) const {
    std::vector<int64_t> count(objects.size() + 2);
    for (const uint8_t o : map) ++count[o];
    return count;
  }
};

struct Extent {
  int64_t x0 = 1 << 20, y0 = 1 << 20, x1 = -1, y1 = -1;
};

Extent extent_of(const std::vector<uint8_t>& owner, int64_t height, int64_t width, uint8_t object) {
  Extent e;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      if (owner[static_cast<size_t>(y * width + x)] == object)
        e = {std::min(e.x0, x), std::min(e.y0, y), std::max(e.x1, x), std::max(e.y1, y)};
  return e;
}

// Adds the object in front of all others unless too little of it, or of one that it covers, would be seen.
bool try_to_place(Scene& scene, const Placed& o) {
  const Coverage c = cover(o, scene.height, scene.width);
  std::vector<uint8_t> owner = scene.owner;
  const auto mark = static_cast<uint8_t>(scene.objects.size() + 1);
  int64_t area = 0;
  for (int64_t y = c.y0; y < c.y1; ++y)
    for (int64_t x = c.x0; x < c.x1; ++x)
      if (c.at(y, x) >= 0.5f) owner[static_cast<size_t>(y * scene.width + x)] = mark, ++area;
  std::vector<int64_t> seen = scene.visible(owner);
  for (size_t i = 0; i <= scene.objects.size(); ++i) {
    const int64_t full = i < scene.objects.size() ? scene.full_area[i] : area;
    if (seen[i + 1] < kSmallestArea || static_cast<double>(seen[i + 1]) < kVisibleShare * static_cast<double>(full))
      return false;
    const Extent e = extent_of(owner, scene.height, scene.width, static_cast<uint8_t>(i + 1));
    if (e.x1 - e.x0 + 1 < kSmallestSide || e.y1 - e.y0 + 1 < kSmallestSide) return false;
  }
  scene.owner = std::move(owner);
  scene.objects.push_back(o);
  scene.full_area.push_back(area);
  return true;
}

// Draws a size relative to the shorter side: mostly medium, some tiny, now and then one that fills the frame.
double draw_size(Random& random, double side) {
  const double kind = random.uniform();
  const double share = kind < 0.12   ? random.uniform(0.12, 0.25)
                       : kind > 0.94 ? random.uniform(1.0, 1.25)
                                     : random.uniform(0.3, 0.8);
  return std::max(share * side, 12.0);
}

void fill_scene(Scene& scene, const Canvas& canvas, const SyntheticOptions& options, int64_t index, Random& random) {
  const double side = static_cast<double>(std::min(canvas.height, canvas.width));
  const int64_t wanted = 1 + random.below(4);
  for (int64_t i = 0; i < wanted; ++i) {
    // The first goes round the classes, so that each has its share in any number of images.
    const int64_t class_id = 1 + (i == 0 ? index % options.classes : random.below(options.classes));
    const int64_t tries = i == 0 ? 1000 : 8;
    for (int64_t t = 0; t < tries; ++t) {
      const double size = draw_size(random, i == 0 ? side : side * 0.8);
      if (try_to_place(scene, draw_object(class_id, size, canvas, random))) break;
    }
  }
  ensure(!scene.objects.empty(), "synthetic image {}: no object found a place", index);
}

SyntheticImage finish(const Canvas& canvas, const Scene& scene, Random& random) {
  SyntheticImage result{RgbImage(canvas.height, canvas.width), LabelMap(canvas.height, canvas.width), {}, {}};
  const uint32_t grain = random.bits();
  for (int64_t y = 0; y < canvas.height; ++y)
    for (int64_t x = 0; x < canvas.width; ++x) {
      const auto p = static_cast<size_t>(y * canvas.width + x);
      const double noise = 0.006 * value_noise(static_cast<double>(x) * 1.7, static_cast<double>(y) * 1.7, grain);
      for (size_t c = 0; c < 3; ++c)
        result.image.pixels[p * 3 + c] =
            static_cast<uint8_t>(std::lround(255 * std::clamp(canvas.pixels[p][c] + noise, 0.0, 1.0)));
      if (scene.owner[p] > 0)
        result.labels.pixels[p] = static_cast<uint8_t>(scene.objects[scene.owner[p] - 1u].class_id);
    }
  for (size_t i = 0; i < scene.objects.size(); ++i) {
    const Extent e = extent_of(scene.owner, canvas.height, canvas.width, static_cast<uint8_t>(i + 1));
    result.boxes.push_back({static_cast<float>(e.x0 + 1), static_cast<float>(e.y0 + 1), static_cast<float>(e.x1 + 1),
                            static_cast<float>(e.y1 + 1), scene.objects[i].class_id});
    const Placed& o = scene.objects[i];
    result.is_cut.push_back(o.x - o.radius < 0 || o.y - o.radius < 0 ||
                            o.x + o.radius > static_cast<double>(canvas.width) ||
                            o.y + o.radius > static_cast<double>(canvas.height));
  }
  return result;
}

}  // namespace

SyntheticImage render_synthetic(const SyntheticOptions& options, int64_t index) {
  options.check();
  Random random(options.seed, "synthetic image", static_cast<uint64_t>(index));
  const int64_t room = options.size_max - options.size_min + 1;
  const int64_t height = options.size_min + random.below(room), width = options.size_min + random.below(room);
  Canvas canvas(height, width);
  Scene scene{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width)), {}, {}};
  paint_background(canvas, random);
  paint_clutter(canvas, random);
  fill_scene(scene, canvas, options, index, random);
  for (const Placed& o : scene.objects) {
    paint_shadow(canvas, o);
    paint(canvas, o, cover(o, height, width));
  }
  return finish(canvas, scene, random);
}

}  // namespace boxseg
