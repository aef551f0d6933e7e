#include "common/data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/error.h"
#include "common/data/boxes.h"
#include "common/io/hdf5.h"
#include "tests/data/data_golden.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Planes 0 and 1 are the label and the background mask, as in the file's groups.
Sample input(const H5Reader& file) {
  const RgbImage rgb = golden_rgb(file, "in/rgb");
  return make_sample(rgb, golden_boxes(file, "in/boxes"),
                     {{file.read<uint8_t>("in/label"), 255}, {file.read<uint8_t>("in/bg_mask"), 0}});
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::fabs(double{a[i]} - double{b[i]}));
  return largest;
}

void require_boxes_equal(const std::vector<Box>& boxes, const std::vector<Box>& expected) {
  REQUIRE(boxes.size() == expected.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    CAPTURE(i);
    REQUIRE(boxes[i].x0 == expected[i].x0);
    REQUIRE(boxes[i].y0 == expected[i].y0);
    REQUIRE(boxes[i].x1 == expected[i].x1);
    REQUIRE(boxes[i].y1 == expected[i].y1);
    REQUIRE(boxes[i].class_id == expected[i].class_id);
  }
}

void require_planes_equal(const Sample& sample, const H5Reader& file, const std::string& group) {
  REQUIRE(sample.planes.at(0).pixels == file.read<uint8_t>(group + "/label"));
  REQUIRE(sample.planes.at(1).pixels == file.read<uint8_t>(group + "/bg_mask"));
}

std::vector<double> attribute_numbers(const H5Reader& file, const std::string& group, const std::string& name) {
  return file.attribute_list<double>(group, name);
}

}  // namespace

TEST_CASE("Scaling is OpenCV's with a factor and no size", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  for (const std::string factor : {"0.5", "0.8125", "1.37"}) {
    CAPTURE(factor);
    const std::string group = "scale/" + factor;
    Sample sample = input(file);
    scale(sample, std::stod(factor));
    REQUIRE(file.shape(group + "/image") == Shape{sample.height, sample.width, 3});
    // The README allows 2e-3. All but a few values of the last row, where OpenCV's vector code leaves a remainder, are
    // equal.
    const auto expected = file.read<float>(group + "/image");
    REQUIRE(largest_difference(sample.image, expected) <= 8e-6);
    size_t unequal = 0;
    for (size_t i = 0; i < expected.size(); ++i) unequal += sample.image[i] != expected[i];
    REQUIRE(unequal * 10000 <= expected.size());
    require_planes_equal(sample, file, group);
    require_boxes_equal(sample.boxes, golden_boxes(file, group + "/boxes"));
  }
}

TEST_CASE("Padding and cropping give the authors' pixels, labels and boxes", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  const auto cases = file.children("crop");
  REQUIRE(cases.size() == 5);
  for (const std::string& name : cases) {
    CAPTURE(name);
    const std::string group = "crop/" + name;
    const auto crop = file.attribute_list<int64_t>(group, "crop_hw");
    const auto draws = attribute_numbers(file, group, "draws_x_y");
    Sample sample = input(file);
    pad_and_crop(sample, ImageSize{crop[0], crop[1]}, draws[0], draws[1]);
    REQUIRE(largest_difference(sample.image, file.read<float>(group + "/image")) == 0);
    require_planes_equal(sample, file, group);
    require_boxes_equal(sample.boxes, golden_boxes(file, group + "/boxes"));
  }
}

TEST_CASE("Flipping gives the authors' pixels, labels and boxes", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  Sample sample = input(file);
  flip_horizontally(sample);
  REQUIRE(largest_difference(sample.image, file.read<float>("hflip/image")) == 0);
  require_planes_equal(sample, file, "hflip");
  require_boxes_equal(sample.boxes, golden_boxes(file, "hflip/boxes"));
}

TEST_CASE("Jitter equals pillow's arithmetic to the bit, step by step", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  for (const std::string name : {"darker", "brighter", "mixed", "identity"}) {
    CAPTURE(name);
    const std::string group = "jitter/" + name;
    const auto f = attribute_numbers(file, group, "factors_bcs");
    const auto run = [&](JitterFactors factors, const std::string& dataset) {
      Sample sample = input(file);
      jitter(sample, factors);
      return largest_difference(sample.image, file.read<float>(group + "/" + dataset));
    };
    REQUIRE(run({f[0], 1, 1}, "after_brightness") == 0);
    REQUIRE(run({f[0], f[1], 1}, "after_contrast") == 0);
    REQUIRE(run({f[0], f[1], f[2]}, "image") == 0);
  }
}

TEST_CASE("Jitter truncates scaled values before it begins", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  Sample sample = input(file);
  sample.image = file.read<float>("scale/0.5/image");
  sample.height = 76;
  sample.width = 126;
  const auto f = attribute_numbers(file, "jitter/after_scale_half", "factors_bcs");
  jitter(sample, {f[0], f[1], f[2]});
  REQUIRE(largest_difference(sample.image, file.read<float>("jitter/after_scale_half/image")) == 0);
}

TEST_CASE("Normalising gives the authors' tensor and boxes", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  const Sample sample = input(file);
  const auto tensor = normalise(sample.image, sample.height, sample.width, parse_normalisation("caffe_bgr"));
  REQUIRE(largest_difference(tensor, file.read<float>("normalize/image")) <= 1e-5);
  const auto boxes = normalise_boxes(sample.boxes, {sample.height, sample.width});
  const auto expected = file.read<float>("normalize/boxes");
  REQUIRE(boxes.size() * 5 == expected.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    REQUIRE(boxes[i].x0 == expected[5 * i]);
    REQUIRE(boxes[i].y0 == expected[5 * i + 1]);
    REQUIRE(boxes[i].x1 == expected[5 * i + 2]);
    REQUIRE(boxes[i].y1 == expected[5 * i + 3]);
  }
}

TEST_CASE("The whole chain of augmentation is the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  Sample sample = input(file);
  // The draws stand in the group's attribute "draws", as prose.
  augment(sample, 161, {1.25, 0.3, 0.8, true, {1.1, 0.7, 1.3}});
  const auto tensor = normalise(sample.image, sample.height, sample.width, parse_normalisation("caffe_bgr"));
  const auto expected = file.read<float>("chain/image");
  REQUIRE(largest_difference(tensor, expected) == 0);  // the README allows 1 grey level
  require_planes_equal(sample, file, "chain");
  const auto boxes = normalise_boxes(sample.boxes, {sample.height, sample.width});
  const auto expected_boxes = file.read<float>("chain/boxes");
  REQUIRE(boxes.size() * 5 == expected_boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    REQUIRE(std::fabs(boxes[i].x0 - expected_boxes[5 * i]) <= 1e-6);
    REQUIRE(std::fabs(boxes[i].y0 - expected_boxes[5 * i + 1]) <= 1e-6);
    REQUIRE(std::fabs(boxes[i].x1 - expected_boxes[5 * i + 2]) <= 1e-6);
    REQUIRE(std::fabs(boxes[i].y1 - expected_boxes[5 * i + 3]) <= 1e-6);
  }
}

TEST_CASE("Clipped boxes are the authors'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/augment.h5");
  const auto window = file.read<int64_t>("clip_boxes/clip_x0y0x1y1");
  const auto clipped = clip_boxes(golden_boxes(file, "clip_boxes/boxes"), window[0], window[1], window[2], window[3]);
  require_boxes_equal(clipped, golden_boxes(file, "clip_boxes/out"));
}

namespace {

RgbImage noise_image(int64_t height, int64_t width, uint64_t seed) {
  Random random(seed, "augment_test image");
  RgbImage image(height, width);
  for (auto& value : image.pixels) value = static_cast<uint8_t>(random.below(256));
  return image;
}

std::vector<uint8_t> noise_plane(int64_t height, int64_t width, uint64_t seed) {
  Random random(seed, "augment_test plane");
  std::vector<uint8_t> plane(static_cast<size_t>(height * width));
  for (auto& value : plane) value = static_cast<uint8_t>(random.below(21));
  return plane;
}

}  // namespace

TEST_CASE("The fused augmentation has the bits of its steps") {
  const AugmentOptions options{0.5, 1.5, 0.5, 0.5, 97};
  const std::vector<std::pair<int64_t, int64_t>> sizes = {{60, 90}, {120, 75}, {97, 97},
                                                          {1, 200}, {193, 1},  {300, 170}};
  for (uint64_t trial = 0; trial < 24; ++trial) {
    const auto [height, width] = sizes[trial % sizes.size()];
    CAPTURE(trial, height, width);
    const RgbImage image = noise_image(height, width, trial);
    const std::vector<Box> boxes = {{3, 5, 40, 50, 2},
                                    {1, 1, static_cast<float>(width), static_cast<float>(height), 1}};
    const std::vector<Sample::Plane> planes = {{noise_plane(height, width, trial), 255},
                                               {noise_plane(height, width, trial + 99), 0}};
    Random random(7, "augment", trial, 1);
    AugmentDraws draws = draw_augmentation(options, random);
    if (trial % 8 == 0) draws.scale = trial % 16 == 0 ? 0.5 : 1.0;
    Sample stepwise = make_sample(image, boxes, planes);
    augment(stepwise, options.crop, draws);
    const Sample fused = augmented(image, boxes, planes, options.crop, draws);
    REQUIRE((fused.height == 97 && fused.width == 97));
    REQUIRE(fused.image == stepwise.image);
    for (size_t i = 0; i < planes.size(); ++i) REQUIRE(fused.planes[i].pixels == stepwise.planes[i].pixels);
    require_boxes_equal(fused.boxes, stepwise.boxes);
  }
}

TEST_CASE("Scaling by one changes nothing, and a pixel survives any factor") {
  const RgbImage image = noise_image(31, 17, 3);
  Sample sample = make_sample(image, {}, {{noise_plane(31, 17, 3), 255}});
  const Sample before = sample;
  scale(sample, 1.0);
  REQUIRE(sample.image == before.image);
  REQUIRE(sample.planes[0].pixels == before.planes[0].pixels);
  Sample dot = make_sample(noise_image(1, 1, 4));
  scale(dot, 0.3);
  REQUIRE((dot.height == 1 && dot.width == 1));
  scale(dot, 5);
  REQUIRE((dot.height == 5 && dot.width == 5));
  REQUIRE(dot.image[3 * 24] == dot.image[0]);
}

TEST_CASE("Bilinear scaling agrees with a loop in double") {
  const int64_t h = 23, w = 37;
  const RgbImage image = noise_image(h, w, 5);
  for (const double factor : {0.6, 0.77, 1.2, 1.49, 3.0}) {
    CAPTURE(factor);
    Sample sample = make_sample(image);
    scale(sample, factor);
    REQUIRE(sample.height == std::lround(std::nearbyint(h * factor)));
    double largest = 0;
    for (int64_t y = 0; y < sample.height; ++y)
      for (int64_t x = 0; x < sample.width; ++x) {
        const double at_y = std::clamp((y + 0.5) / factor - 0.5, 0.0, h - 1.0),
                     at_x = std::clamp((x + 0.5) / factor - 0.5, 0.0, w - 1.0);
        const auto y0 = static_cast<int64_t>(at_y), x0 = static_cast<int64_t>(at_x);
        const auto value = [&](int64_t r, int64_t c) {
          return static_cast<double>(
              image.pixels[static_cast<size_t>((std::min(r, h - 1) * w + std::min(c, w - 1)) * 3 + 1)]);
        };
        const double fy = at_y - static_cast<double>(y0), fx = at_x - static_cast<double>(x0);
        const double expected = (1 - fy) * ((1 - fx) * value(y0, x0) + fx * value(y0, x0 + 1)) +
                                fy * ((1 - fx) * value(y0 + 1, x0) + fx * value(y0 + 1, x0 + 1));
        largest =
            std::max(largest, std::fabs(sample.image[static_cast<size_t>((y * sample.width + x) * 3 + 1)] - expected));
      }
    REQUIRE(largest < 1e-4);
  }
}

TEST_CASE("Ten thousand draws have the distributions they claim, one by one and in pairs") {
  const AugmentOptions options;
  const int n = 10000, bins = 20;
  // Keeps each draw as a number that should be uniform in [0, 1); the flip is counted apart.
  std::vector<std::array<double, 6>> draws;
  double flips = 0;
  for (int i = 0; i < n; ++i) {
    Random random(11, "augment", static_cast<uint64_t>(i / 100),
                  static_cast<uint64_t>(i % 100));  // 100 epochs of 100 images
    const AugmentDraws d = draw_augmentation(options, random);
    draws.push_back({d.scale - 0.5, d.crop_x, d.crop_y, d.jitter.brightness - 0.5, d.jitter.contrast - 0.5,
                     d.jitter.saturation - 0.5});
    flips += d.is_flipped;
  }
  // At these limits a true generator fails once in ten thousand such tests.
  REQUIRE(std::fabs(flips / n - 0.5) < 4.5 * 0.5 / std::sqrt(n));
  for (size_t a = 0; a < 6; ++a) {
    std::vector<double> counts(bins);
    double mean = 0, variance = 0;
    for (const auto& d : draws) {
      REQUIRE((d[a] >= 0 && d[a] < 1));
      ++counts[static_cast<size_t>(d[a] * bins)];
      mean += d[a] / n;
      variance += (d[a] - 0.5) * (d[a] - 0.5) / n;
    }
    REQUIRE(std::fabs(mean - 0.5) < 4.5 * std::sqrt(1.0 / 12 / n));
    REQUIRE(std::fabs(variance - 1.0 / 12) < 4.5 * std::sqrt(1.0 / 180 / n));
    double chi2 = 0;
    for (const double count : counts) chi2 += (count - n / bins) * (count - n / bins) / (n / bins);
    REQUIRE(chi2 < 54.8);  // 19 degrees of freedom, p = 2.5e-5
    for (size_t b = 0; b < a; ++b) {
      double correlation = 0;
      for (const auto& d : draws) correlation += 12 * (d[a] - 0.5) * (d[b] - 0.5) / n;
      REQUIRE(std::fabs(correlation) < 4.5 / std::sqrt(n));
    }
    double next = 0;  // goes with the draw of the next image
    for (size_t i = 0; i + 1 < draws.size(); ++i) next += 12 * (draws[i][a] - 0.5) * (draws[i + 1][a] - 0.5) / n;
    REQUIRE(std::fabs(next) < 4.5 / std::sqrt(n));
  }
}

TEST_CASE("Draws come in a fixed order, whatever the options") {
  // There are seven draws whatever the options, so the eighth number of the stream is next.
  Random a(1, "augment"), b(1, "augment");
  draw_augmentation({1, 1, 0, 0, 8}, a);
  for (int i = 0; i < 7; ++i) b.uniform();
  REQUIRE(a.uniform() == b.uniform());
  Random c(1, "augment");
  const AugmentDraws still = draw_augmentation({1, 1, 0, 0, 8}, c);
  REQUIRE((still.scale == 1 && !still.is_flipped && still.jitter.brightness == 1 && still.jitter.saturation == 1));
}

TEST_CASE("Crops are taken from every position that fits") {
  std::vector<int> seen(6);
  for (uint64_t i = 0; i < 600; ++i) {
    Sample sample = make_sample(RgbImage(8, 13), {}, {});
    for (size_t p = 0; p < sample.image.size(); ++p) sample.image[p] = static_cast<float>(p / 3 % 13);
    Random random(5, "crop", i);
    pad_and_crop(sample, 8, random.uniform(), random.uniform());
    const auto x = static_cast<size_t>(sample.image[0]);
    REQUIRE(x < 6);
    ++seen[x];
  }
  // The last position needs a draw of exactly 1 in the authors' formula (floor(draw * 5)): it never comes.
  REQUIRE(seen[5] == 0);
  for (size_t x = 0; x < 5; ++x) REQUIRE((seen[x] > 80 && seen[x] < 160));
}

TEST_CASE("Normalisations are known by name, and others are refused with the names") {
  const std::vector<float> pixel = {255, 127, 0};
  REQUIRE(normalise(pixel, 1, 1, parse_normalisation("lite0_rgb")) == std::vector<float>{1, 0, -127.0f / 128});
  const auto caffe = normalise(pixel, 1, 1, parse_normalisation("caffe_bgr"));
  REQUIRE((caffe[0] == -104.008f && caffe[2] == 255 - 122.675f));
  const auto torchvision = normalise(pixel, 1, 1, parse_normalisation("torchvision_rgb"));
  REQUIRE(std::fabs(torchvision[0] - (1 - 0.485) / 0.229) < 1e-6);
  REQUIRE_THROWS_WITH(parse_normalisation("lite_rgb"), Contains("did you mean 'lite0_rgb'"));
}

TEST_CASE("A normalised tensor gives its pixels back for every normalisation") {
  RgbImage image(5, 7);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 67);
  const std::vector<float> values(image.pixels.begin(), image.pixels.end());
  for (const char* name : {"caffe_bgr", "torchvision_rgb", "lite0_rgb"}) {
    const Normalisation n = parse_normalisation(name);
    const RgbImage back = denormalise(normalise(values, 5, 7, n), 5, 7, n);
    CAPTURE(name);
    REQUIRE((back.height == 5 && back.width == 7));
    REQUIRE(back.pixels == image.pixels);
  }
}
