#include "common/data/augment.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

constexpr std::array<float, 3> kPadding = {123, 117, 104};  // RGB; the authors' mean colour, rounded

// Images are the unit of parallel work; OpenCV's own threads would only compete with the loader's.
void keep_opencv_single_threaded() {
  static const bool is_done = (cv::setNumThreads(1), true);
  (void)is_done;
}

// Rows and columns added on each side when a side is too short: half of what is missing, rounded up.
int64_t padding_for(int64_t size, int64_t crop) { return crop > size ? (crop - size + 1) / 2 : 0; }

// Copies the window [y0, y0+H') x [x0, x0+W') of a padded [H,W,C] array; (y0, x0) in the unpadded frame, may be
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
    if (begin < end) std::copy_n(from.data() + ((y + y0) * size.width + x0 + begin) * kC, (end - begin) * kC, row + begin * kC);
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

// pillow's Image.blend for one value: from `base` towards `value`, in float32, truncated; clipped when extrapolating.
uint8_t blend(int base, int value, float factor) {
  const float mixed = static_cast<float>(base) + factor * static_cast<float>(value - base);
  return static_cast<uint8_t>(std::clamp(mixed, 0.0f, 255.0f));
}

// pillow's conversion of RGB to L (ITU-R 601-2 in 16-bit fixed point).
int grey(int r, int g, int b) { return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16; }

std::array<uint8_t, 256> blend_table(int base, float factor) {
  std::array<uint8_t, 256> table;
  for (int v = 0; v < 256; ++v) table[static_cast<size_t>(v)] = blend(base, v, factor);
  return table;
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
    ensure(plane.pixels.size() == pixels, "make_sample: a plane has {} pixels, the image {}", plane.pixels.size(), pixels);
  return {image.height, image.width, std::vector<float>(image.pixels.begin(), image.pixels.end()), std::move(boxes),
          std::move(planes)};
}

void scale(Sample& sample, double factor) {
  ensure(factor > 0, "scale: factor {}, expected more than 0", factor);
  keep_opencv_single_threaded();
  const int h = static_cast<int>(sample.height), w = static_cast<int>(sample.width);
  const int new_h = cv::saturate_cast<int>(h * factor), new_w = cv::saturate_cast<int>(w * factor);
  if (new_h < 1 || new_w < 1) {  // OpenCV refuses an empty result: a 1-pixel side halved rounds to nothing
    scale(sample, std::max(1.0 / h, 1.0 / w));
    return;
  }
  std::vector<float> image(static_cast<size_t>(new_h) * static_cast<size_t>(new_w) * 3);
  cv::Mat to(new_h, new_w, CV_32FC3, image.data());
  cv::resize(cv::Mat(h, w, CV_32FC3, sample.image.data()), to, {}, factor, factor, cv::INTER_LINEAR);
  ensure(to.data == reinterpret_cast<uchar*>(image.data()), "scale: OpenCV rounds {}x{} times {} differently", w, h, factor);
  sample.image = std::move(image);
  for (auto& plane : sample.planes) {
    std::vector<uint8_t> pixels(static_cast<size_t>(new_h) * static_cast<size_t>(new_w));
    cv::Mat plane_to(new_h, new_w, CV_8UC1, pixels.data());
    cv::resize(cv::Mat(h, w, CV_8UC1, plane.pixels.data()), plane_to, {}, factor, factor, cv::INTER_NEAREST);
    plane.pixels = std::move(pixels);
  }
  const auto f = static_cast<float>(factor);
  for (Box& b : sample.boxes) b.x0 *= f, b.y0 *= f, b.x1 *= f, b.y1 *= f;
  sample.height = new_h;
  sample.width = new_w;
}

std::vector<Box> clip_boxes(const std::vector<Box>& boxes, int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
  const auto low = [](float v, int64_t edge) { return v >= static_cast<float>(edge) ? v - static_cast<float>(edge) : 0.0f; };
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
  const int64_t pad_y = padding_for(size.height, crop.height), pad_x = padding_for(size.width, crop.width);
  const auto begin = [](double draw, int64_t room) { return static_cast<int64_t>(std::floor(draw * static_cast<double>(room))); };
  const int64_t x = begin(draw_x, size.width + 2 * pad_x - crop.width);    // in the padded frame
  const int64_t y = begin(draw_y, size.height + 2 * pad_y - crop.height);
  sample.image = cut<float, 3>(sample.image, size, y - pad_y, x - pad_x, crop, kPadding);
  for (auto& plane : sample.planes)
    plane.pixels = cut<uint8_t, 1>(plane.pixels, size, y - pad_y, x - pad_x, crop, {plane.padding});
  const auto dx = static_cast<float>(pad_x), dy = static_cast<float>(pad_y);
  for (Box& b : sample.boxes) b.x0 += dx, b.y0 += dy, b.x1 += dx, b.y1 += dy;
  sample.boxes = clip_boxes(sample.boxes, x, y, x + crop.width, y + crop.height);
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

void jitter(Sample& sample, const JitterFactors& factors) {
  const size_t pixels = static_cast<size_t>(sample.height * sample.width);
  if (pixels == 0) return;
  std::vector<uint8_t> rgb(pixels * 3);
  const auto brighter = blend_table(0, static_cast<float>(factors.brightness));
  for (size_t i = 0; i < rgb.size(); ++i)
    rgb[i] = brighter[static_cast<uint8_t>(std::clamp(sample.image[i], 0.0f, 255.0f))];
  uint64_t grey_sum = 0;
  for (size_t p = 0; p < pixels; ++p) grey_sum += static_cast<uint64_t>(grey(rgb[p * 3], rgb[p * 3 + 1], rgb[p * 3 + 2]));
  const int mean = static_cast<int>(static_cast<double>(grey_sum) / static_cast<double>(pixels) + 0.5);
  const auto contrasted = blend_table(mean, static_cast<float>(factors.contrast));
  const auto saturation = static_cast<float>(factors.saturation);
  for (size_t p = 0; p < pixels; ++p) {
    const int r = contrasted[rgb[p * 3]], g = contrasted[rgb[p * 3 + 1]], b = contrasted[rgb[p * 3 + 2]];
    const int l = grey(r, g, b);
    sample.image[p * 3] = blend(l, r, saturation);
    sample.image[p * 3 + 1] = blend(l, g, saturation);
    sample.image[p * 3 + 2] = blend(l, b, saturation);
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
  if (draws.scale != 1) scale(sample, draws.scale);  // at exactly 1 OpenCV copies
  pad_and_crop(sample, crop, draws.crop_x, draws.crop_y);
  if (draws.is_flipped) flip_horizontally(sample);
  jitter(sample, draws.jitter);
}

void augment(Sample& sample, const AugmentOptions& options, Random& random) {
  augment(sample, options.crop, draw_augmentation(options, random));
}

}  // namespace boxseg
