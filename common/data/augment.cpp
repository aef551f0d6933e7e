#include "common/data/augment.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/resample.h"

namespace boxseg {
namespace {

constexpr std::array<float, 3> kPadding = {123, 117, 104};  // RGB; the authors' mean colour, rounded

// Says where a crop begins in the unpadded frame (may be negative), and how much padding stands on each side.
struct Cut {
  int64_t y, x, pad_y, pad_x;
};

Cut cut_at(ImageSize size, ImageSize crop, double draw_x, double draw_y) {
  // Each side gets half of what is lacking, rounded up.
  const auto padding = [](int64_t n, int64_t wanted) { return wanted > n ? (wanted - n + 1) / 2 : 0; };
  const auto begin = [](double draw, int64_t room) {
    return static_cast<int64_t>(std::floor(draw * static_cast<double>(room)));
  };
  const int64_t pad_y = padding(size.height, crop.height), pad_x = padding(size.width, crop.width);
  return {begin(draw_y, size.height + 2 * pad_y - crop.height) - pad_y,
          begin(draw_x, size.width + 2 * pad_x - crop.width) - pad_x, pad_y, pad_x};
}

// Moves boxes into the padded frame, then clips them, all in float32, as the authors do.
std::vector<Box> cut_boxes(std::vector<Box> boxes, const Cut& at, ImageSize crop) {
  const auto dx = static_cast<float>(at.pad_x), dy = static_cast<float>(at.pad_y);
  for (Box& b : boxes) b.x0 += dx, b.y0 += dy, b.x1 += dx, b.y1 += dy;
  const int64_t x = at.x + at.pad_x, y = at.y + at.pad_y;
  return clip_boxes(boxes, x, y, x + crop.width, y + crop.height);
}

void scale_boxes(std::vector<Box>& boxes, double factor) {
  const auto f = static_cast<float>(factor);
  for (Box& b : boxes) b.x0 *= f, b.y0 *= f, b.x1 *= f, b.y1 *= f;
}

// Copies the window [y0, y0+H') x [x0, x0+W') of a padded [H,W,C] array; (y0, x0) is in the unpadded frame and may be
// negative.
template <class T, size_t C>
std::vector<T> cut(const std::vector<T>& from, ImageSize size, int64_t y0, int64_t x0, ImageSize crop,
                   const std::array<T, C>& padding) {
  constexpr auto kC = static_cast<int64_t>(C);
  std::vector<T> to(static_cast<size_t>(crop.height * crop.width * kC));
  const int64_t first = std::clamp<int64_t>(-x0, 0, crop.width);
  const int64_t last = std::clamp<int64_t>(size.width - x0, first, crop.width);
  for (int64_t y = 0; y < crop.height; ++y) {
    T* row = to.data() + y * crop.width * kC;
    const bool is_inside = y + y0 >= 0 && y + y0 < size.height;
    const int64_t begin = is_inside ? first : crop.width, end = is_inside ? last : crop.width;
    const auto pad = [&](int64_t a, int64_t b) {
      for (int64_t x = a; x < b; ++x)
        for (int64_t c = 0; c < kC; ++c) row[x * kC + c] = padding[static_cast<size_t>(c)];
    };
    pad(0, begin);
    if (begin < end)
      std::copy_n(from.data() + ((y + y0) * size.width + x0 + begin) * kC, (end - begin) * kC, row + begin * kC);
    pad(end, crop.width);
  }
  return to;
}

template <class T>
void mirror(std::vector<T>& pixels, int64_t height, int64_t width, int64_t channels) {
  for (int64_t y = 0; y < height; ++y)
    for (int64_t a = 0, b = width - 1; a < b; ++a, --b) {
      T* row = pixels.data() + y * width * channels;
      std::swap_ranges(row + a * channels, row + (a + 1) * channels, row + b * channels);
    }
}

const std::vector<Normalisation>& known_normalisations() {
  static const std::vector<Normalisation> known = {
      {"caffe_bgr", true, {104.008f, 116.669f, 122.675f}, {1, 1, 1}},
      {"torchvision_rgb", false, {123.675f, 116.28f, 103.53f}, {58.395f, 57.12f, 57.375f}},
      {"lite0_rgb", false, {127, 127, 127}, {128, 128, 128}},
  };
  return known;
}

}  // namespace

Sample make_sample(const RgbImage& image, std::vector<Box> boxes, std::vector<Sample::Plane> planes) {
  const auto pixels = static_cast<size_t>(image.height * image.width);
  for (const auto& plane : planes)
    ensure(plane.pixels.size() == pixels, "make_sample: a plane has {} pixels, the image {}", plane.pixels.size(),
           pixels);
  return {image.height, image.width, std::vector<float>(image.pixels.begin(), image.pixels.end()), std::move(boxes),
          std::move(planes)};
}

void scale(Sample& sample, double factor) {
  const ImageSize from{sample.height, sample.width}, to = scaled_size(from, factor);
  const Window whole{0, 0, to.height, to.width};
  std::vector<float> image(static_cast<size_t>(to.height * to.width * 3));
  resample_bilinear(sample.image.data(), from, factor, whole, image.data(), to.width * 3);
  sample.image = std::move(image);
  for (auto& plane : sample.planes) {
    std::vector<uint8_t> pixels(static_cast<size_t>(to.height * to.width));
    resample_nearest(plane.pixels.data(), from, factor, whole, pixels.data(), to.width);
    plane.pixels = std::move(pixels);
  }
  scale_boxes(sample.boxes, factor);
  sample.height = to.height;
  sample.width = to.width;
}

std::vector<Box> clip_boxes(const std::vector<Box>& boxes, int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
  const auto low = [](float v, int64_t edge) {
    return v >= static_cast<float>(edge) ? v - static_cast<float>(edge) : 0.0f;
  };
  const auto high = [](float v, int64_t begin, int64_t end) {
    return v >= static_cast<float>(end) ? static_cast<float>(end - begin + 1) : v - static_cast<float>(begin);
  };
  std::vector<Box> kept;
  for (const Box& b : boxes) {
    if (b.x0 >= static_cast<float>(x1) || b.y0 >= static_cast<float>(y1) || b.x1 <= static_cast<float>(x0) ||
        b.y1 <= static_cast<float>(y0))
      continue;
    Box c = b;
    c.x0 = low(b.x0, x0);
    c.y0 = low(b.y0, y0);
    c.x1 = high(b.x1, x0, x1);
    c.y1 = high(b.y1, y0, y1);
    kept.push_back(c);
  }
  return kept;
}

void pad_and_crop(Sample& sample, ImageSize crop, double draw_x, double draw_y) {
  const ImageSize size{sample.height, sample.width};
  const Cut at = cut_at(size, crop, draw_x, draw_y);
  sample.image = cut<float, 3>(sample.image, size, at.y, at.x, crop, kPadding);
  for (auto& plane : sample.planes)
    plane.pixels = cut<uint8_t, 1>(plane.pixels, size, at.y, at.x, crop, {plane.padding});
  sample.boxes = cut_boxes(std::move(sample.boxes), at, crop);
  sample.height = crop.height;
  sample.width = crop.width;
}

void flip_horizontally(Sample& sample) {
  mirror(sample.image, sample.height, sample.width, 3);
  for (auto& plane : sample.planes) mirror(plane.pixels, sample.height, sample.width, 1);
  const double centre = static_cast<double>(sample.width) / 2;
  for (Box& b : sample.boxes) {  // the authors' order of operations: reflect in float64, swap the sides in float32
    b.x0 = static_cast<float>(b.x0 + 2 * (centre - b.x0));
    b.x1 = static_cast<float>(b.x1 + 2 * (centre - b.x1));
    const float width = std::fabs(b.x0 - b.x1);
    b.x0 -= width;
    b.x1 += width;
  }
}

Normalisation parse_normalisation(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& n : known_normalisations()) {
    if (n.name == name) return n;
    names.push_back(n.name);
  }
  const std::string close = nearest(name, names);
  fail_usage("normalisation '{}' is not one of {}{}", name, join(names, ", "),
             close.empty() ? "" : fmt::format("; did you mean '{}'?", close));
}

std::vector<float> normalise(const std::vector<float>& image, int64_t height, int64_t width, const Normalisation& n) {
  const auto pixels = static_cast<size_t>(height * width);
  ensure(image.size() == pixels * 3, "normalise: {} values for {}x{} pixels", image.size(), width, height);
  std::vector<float> tensor(pixels * 3);
  for (size_t c = 0; c < 3; ++c) {
    const float* from = image.data() + (n.is_bgr ? 2 - c : c);
    float* to = tensor.data() + c * pixels;
    const float mean = n.mean[c], divisor = n.divisor[c];
    for (size_t p = 0; p < pixels; ++p) to[p] = (from[p * 3] - mean) / divisor;
  }
  return tensor;
}

RgbImage denormalise(const std::vector<float>& tensor, int64_t height, int64_t width, const Normalisation& n) {
  const auto pixels = static_cast<size_t>(height * width);
  ensure(tensor.size() == pixels * 3, "denormalise: {} values for {}x{} pixels", tensor.size(), width, height);
  RgbImage image(height, width);
  for (size_t c = 0; c < 3; ++c) {
    const float* from = tensor.data() + c * pixels;
    uint8_t* to = image.pixels.data() + (n.is_bgr ? 2 - c : c);
    for (size_t p = 0; p < pixels; ++p)
      to[p * 3] = static_cast<uint8_t>(std::clamp(std::round(from[p] * n.divisor[c] + n.mean[c]), 0.0f, 255.0f));
  }
  return image;
}

AugmentDraws draw_augmentation(const AugmentOptions& options, Random& random) {
  const auto factor = [&] { return random.uniform(std::max(0.0, 1 - options.jitter), 1 + options.jitter); };
  AugmentDraws draws;
  draws.scale = random.uniform(options.scale_min, options.scale_max);
  draws.crop_x = random.uniform();
  draws.crop_y = random.uniform();
  draws.is_flipped = random.uniform() < options.flip;
  draws.jitter.brightness = factor();
  draws.jitter.contrast = factor();
  draws.jitter.saturation = factor();
  return draws;
}

void augment(Sample& sample, int64_t crop, const AugmentDraws& draws) {
  scale(sample, draws.scale);
  pad_and_crop(sample, crop, draws.crop_x, draws.crop_y);
  if (draws.is_flipped) flip_horizontally(sample);
  jitter(sample, draws.jitter);
}

void augment(Sample& sample, const AugmentOptions& options, Random& random) {
  augment(sample, options.crop, draw_augmentation(options, random));
}

Sample augmented(const RgbImage& image, std::vector<Box> boxes, std::vector<Sample::Plane> planes, int64_t crop,
                 const AugmentDraws& draws) {
  const ImageSize from{image.height, image.width}, size = scaled_size(from, draws.scale);
  const Cut at = cut_at(size, {crop, crop}, draws.crop_x, draws.crop_y);
  // Only this part of the scaled image shows in the crop, where it begins at `offset`.
  const Window shown{std::max<int64_t>(at.y, 0), std::max<int64_t>(at.x, 0), std::min(at.y + crop, size.height),
                     std::min(at.x + crop, size.width)};
  const int64_t offset = (shown.y0 - at.y) * crop + shown.x0 - at.x;

  Sample sample{crop, crop, std::vector<float>(static_cast<size_t>(crop * crop * 3)), std::move(boxes),
                std::move(planes)};
  if (shown.height() < crop || shown.width() < crop)
    for (size_t i = 0; i < sample.image.size(); ++i) sample.image[i] = kPadding[i % 3];
  resample_bilinear(image.pixels.data(), from, draws.scale, shown, sample.image.data() + offset * 3, crop * 3);
  for (auto& plane : sample.planes) {
    std::vector<uint8_t> pixels(static_cast<size_t>(crop * crop), plane.padding);
    resample_nearest(plane.pixels.data(), from, draws.scale, shown, pixels.data() + offset, crop);
    plane.pixels = std::move(pixels);
  }
  scale_boxes(sample.boxes, draws.scale);
  sample.boxes = cut_boxes(std::move(sample.boxes), at, {crop, crop});
  if (draws.is_flipped) flip_horizontally(sample);
  jitter(sample, draws.jitter);
  return sample;
}

}  // namespace boxseg
