#include "stage1_classify/training_data.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/runtime/loader.h"
#include "tests/stage1/small_dataset.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace boxseg {
namespace {

Stage1Options small_options() {
  Stage1Options options;
  options.crop = 65;
  options.batch = 4;
  return options;
}

TrainingData data_of(const Dataset& dataset, const Stage1Options& options, uint64_t seed = 0) {
  return TrainingData(dataset, dataset.split("train"), options, seed, parse_normalisation("lite0_rgb"));
}

}  // namespace

TEST_CASE("training samples are the same for any number of loader threads", "[cpu]") {
  const test::TemporaryDirectory dir;
  const Dataset dataset = read_dataset(test::make_small_dataset(dir.path(), 7));
  const Stage1Options options = small_options();
  const TrainingData data = data_of(dataset, options);
  std::vector<TrainingSample> expected;
  for (int64_t p = 3; p < 20; ++p) expected.push_back(data.sample(p));
  const TrainingData fresh = data_of(dataset, options);
  for (const int workers : {0, 1, 3}) {
    Loader<TrainingSample> loader(3, 20, workers, 5, [&](int64_t p) { return fresh.sample(p); });
    for (const TrainingSample& e : expected) {
      const auto found = loader.next();
      REQUIRE(found.has_value());
      REQUIRE(found->image_key == e.image_key);
      REQUIRE(found->input == e.input);
      REQUIRE(found->background == e.background);
      REQUIRE(found->boxes.size() == e.boxes.size());
      for (size_t b = 0; b < e.boxes.size(); ++b) REQUIRE(found->boxes[b].x0 == e.boxes[b].x0);
    }
    REQUIRE(!loader.next().has_value());
  }
}

TEST_CASE("training samples change with the epoch and with the seed", "[cpu]") {
  const test::TemporaryDirectory dir;
  const Dataset dataset = read_dataset(test::make_small_dataset(dir.path(), 4));
  const Stage1Options options = small_options();
  const TrainingData data = data_of(dataset, options), other_seed = data_of(dataset, options, 1);
  const auto of_image = [](const TrainingData& d, uint64_t key, int64_t from) {
    for (int64_t p = from; p < from + 4; ++p)
      if (TrainingSample s = d.sample(p); s.image_key == key) return s;
    fail("an epoch lacks an image");
  };
  const TrainingSample first = data.sample(0);
  REQUIRE(of_image(data, first.image_key, 4).input != first.input);
  REQUIRE(of_image(other_seed, first.image_key, 0).input != first.input);
  REQUIRE(of_image(data, first.image_key, 0).input == first.input);
}

TEST_CASE("boxes and background mask of a sample go the way of its image", "[cpu]") {
  const test::TemporaryDirectory dir;
  const Dataset dataset = read_dataset(test::make_small_dataset(dir.path(), 9));
  Stage1Options options = small_options();
  options.scale_min = options.scale_max = 1;
  options.jitter = 0;
  const TrainingData data = data_of(dataset, options);
  size_t boxes = 0;
  for (int64_t p = 0; p < 16; ++p) {
    const TrainingSample s = data.sample(p);
    REQUIRE((s.height == 65 && s.width == 65));
    for (const NormalisedBox& box : s.boxes) {
      // The rectangle has its colour at the box's centre, and noise has at most 119: channel 0 is for class 1, 2 for
      // class 2.
      const auto x = static_cast<int64_t>((box.x0 + box.x1) / 2 * 32 + 32),
                 y = static_cast<int64_t>((box.y0 + box.y1) / 2 * 32 + 32);
      const int64_t channel = box.class_id == 1 ? 0 : 2;
      const float value = s.input[static_cast<size_t>((channel * 65 + y) * 65 + x)] * 128 + 127;
      REQUIRE(value == Approx(230).margin(1));
      REQUIRE(s.background[static_cast<size_t>(y * 65 + x)] == 0);
    }
    boxes += s.boxes.size();
  }
  REQUIRE(boxes > 8);
}

TEST_CASE("the picture of a sample outlines its boxes and darkens what is not background", "[cpu]") {
  const Normalisation normalisation = parse_normalisation("caffe_bgr");
  TrainingSample sample;
  sample.height = 5;
  sample.width = 9;
  sample.input = normalise(std::vector<float>(5 * 9 * 3, 100), 5, 9, normalisation);
  sample.background.assign(5 * 9, 1);
  for (const size_t row : {1, 2, 3})
    std::fill_n(sample.background.begin() + static_cast<int64_t>(row) * 9 + 2, 4, uint8_t{0});
  sample.boxes = {{-0.5f, -0.5f, 0.25f, 0.5f, 2}};  // columns 2 to 5, rows 1 to 3
  const RgbImage picture = picture_of(sample, normalisation, {{0, 0, 0}, {1, 1, 1}, {10, 20, 30}});
  std::string seen;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) {
    const uint8_t red = picture.pixels[i];
    seen += red == 100 ? '.' : red == 50 ? 'o' : red == 10 && picture.pixels[i + 2] == 30 ? '#' : '?';
    if (i / 3 % 9 == 8) seen += '\n';
  }
  REQUIRE(seen == ".........\n..####...\n..#oo#...\n..####...\n.........\n");
}

TEST_CASE("crowd boxes are neither background nor examples", "[cpu]") {
  const test::TemporaryDirectory dir;
  Dataset dataset = read_dataset(test::make_small_dataset(dir.path(), 2));
  dataset.images[0].boxes = {{10, 10, 70, 70, 1, false, true}};
  Stage1Options options = small_options();
  options.scale_min = options.scale_max = 1;
  const TrainingData data(dataset, {0}, options, 0, parse_normalisation("lite0_rgb"));
  const TrainingSample s = data.sample(0);
  REQUIRE(s.boxes.empty());
  REQUIRE(std::count(s.background.begin(), s.background.end(), 0) > 1000);
}

TEST_CASE("an image of another size than the dataset says is refused by name", "[cpu]") {
  const test::TemporaryDirectory dir;
  Dataset dataset = read_dataset(test::make_small_dataset(dir.path(), 3));
  dataset.images[1].size.width = 91;
  const Stage1Options options = small_options();
  const TrainingData data(dataset, {1}, options, 0, parse_normalisation("lite0_rgb"));
  REQUIRE_THROWS_WITH(data.sample(0), Contains("1.png") && Contains("91"));
  std::vector<std::string> skipped;
  REQUIRE(trainable_images(dataset, "train", true, 2, &skipped) == std::vector<int64_t>{0, 2});
  REQUIRE(skipped == std::vector<std::string>{"picture 1"});
  REQUIRE(trainable_images(dataset, "train", false, 2, &skipped).size() == 3);
}

}  // namespace boxseg
