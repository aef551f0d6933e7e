// These tests are on the masks of boxes.
#include "eval/miou/box_iou.h"

#include <cmath>

#include "common/base/random.h"
#include "common/data/boxes.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

LabelMap map_of(int64_t height, int64_t width, std::vector<uint8_t> pixels) {
  LabelMap map(height, width);
  map.pixels = std::move(pixels);
  return map;
}

ImageEntry image_of(ImageSize size, std::vector<Box> boxes) {
  ImageEntry image;
  image.size = size;
  image.boxes = std::move(boxes);
  return image;
}

// The smallest box of the pixel's class that holds it, of equal ones the last; -1 where there is none.
int64_t naive_owner(const LabelMap& labels, const std::vector<Box>& boxes, int64_t y, int64_t x) {
  int64_t owner = -1;
  double least = 0;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& b = boxes[i];
    const double area = (double(b.x1) - double(b.x0)) * (double(b.y1) - double(b.y0));
    const bool holds = double(x) >= b.x0 && double(x) < b.x1 && double(y) >= b.y0 && double(y) < b.y1;
    if (!b.is_crowd && holds && labels.at(y, x) == b.class_id && (owner < 0 || area <= least))
      owner = static_cast<int64_t>(i), least = area;
  }
  return owner;
}

std::vector<double> naive_ious(const LabelMap& truth, const LabelMap& prediction, const std::vector<Box>& boxes) {
  std::vector<double> ious;
  for (size_t i = 0; i < boxes.size(); ++i) {
    double both = 0, either = 0;
    for (int64_t y = 0; y < truth.height; ++y)
      for (int64_t x = 0; x < truth.width; ++x) {
        if (truth.at(y, x) == 255) continue;
        const bool is_true = naive_owner(truth, boxes, y, x) == static_cast<int64_t>(i);
        const bool is_predicted = naive_owner(prediction, boxes, y, x) == static_cast<int64_t>(i);
        both += is_true && is_predicted, either += is_true || is_predicted;
      }
    if (either > 0) ious.push_back(both / either);
  }
  return ious;
}

}  // namespace

TEST_CASE("a box is judged by the pixels of its class within it") {
  const LabelMap truth = map_of(2, 6,
                                {1, 1, 0, 2, 2, 2,  //
                                 1, 1, 0, 2, 2, 1});
  const LabelMap prediction = map_of(2, 6,
                                     {1, 0, 1, 2, 2, 0,  //
                                      1, 1, 1, 2, 1, 1});
  const auto image = image_of({2, 6}, {{0, 0, 3, 2, 1}, {3, 0, 6, 2, 2}});
  // The first finds three of four pixels and takes two of the ground; the second finds three of five.
  CHECK(box_ious(truth, prediction, image, BoxNumbers::edges) == std::vector<double>{3.0 / 6, 3.0 / 5});
  // VOC's numbers of the same pixels.
  const auto voc = image_of({2, 6}, {{1, 1, 3, 2, 1}, {4, 1, 6, 2, 2}});
  CHECK(box_ious(truth, prediction, voc, BoxNumbers::voc) == std::vector<double>{3.0 / 6, 3.0 / 5});
}

TEST_CASE("shared pixels are the smaller box's, and crowds take none") {
  const LabelMap truth = map_of(1, 8, {1, 1, 1, 1, 1, 1, 1, 0});
  const LabelMap prediction = map_of(1, 8, {1, 1, 1, 1, 0, 0, 1, 1});
  const Box whole{0, 0, 8, 1, 1}, small{3, 0, 6, 1, 1}, other_class{3, 0, 5, 1, 2};
  Box crowd{2, 0, 4, 1, 1};
  crowd.is_crowd = true;
  const auto image = image_of({1, 8}, {whole, crowd, small, other_class});
  CHECK(box_ious(truth, prediction, image, BoxNumbers::edges) == std::vector<double>{4.0 / 5, 1.0 / 3});
}

TEST_CASE("void counts for nothing, nor does a box that owns nothing; a box without a true pixel scores 0") {
  const LabelMap truth = map_of(1, 8, {1, 1, 255, 255, 0, 0, 0, 255});
  const LabelMap prediction = map_of(1, 8, {1, 0, 1, 0, 2, 0, 0, 3});
  const auto image = image_of({1, 8}, {{0, 0, 4, 1, 1}, {4, 0, 6, 1, 2}, {7, 0, 8, 1, 3}, {5, 0, 6, 1, 1}});
  CHECK(box_ious(truth, prediction, image, BoxNumbers::edges) == std::vector<double>{1.0 / 2, 0});
  CHECK(box_ious(truth, prediction, image_of({1, 8}, {}), BoxNumbers::edges).empty());
  // The truth as its own prediction is void where it is.
  CHECK(box_ious(truth, truth, image, BoxNumbers::edges) == std::vector<double>{1});
}

TEST_CASE("the IoU of boxes equals that of a plain loop over boxes and pixels in double") {
  Random random(0, "boxes and maps");
  size_t compared = 0;
  for (int round = 0; round < 60; ++round) {
    const ImageSize size = {1 + random.below(30), 1 + random.below(40)};
    LabelMap truth(size.height, size.width), prediction(size.height, size.width);
    for (LabelMap* map : {&truth, &prediction})
      for (auto& pixel : map->pixels) pixel = static_cast<uint8_t>(random.below(3));
    for (auto& pixel : truth.pixels)
      if (random.below(10) == 0) pixel = 255;
    std::vector<Box> boxes;
    for (int i = 0; i < 7; ++i) {
      const int64_t x0 = random.below(size.width), y0 = random.below(size.height);
      Box box{float(x0), float(y0), float(x0 + 1 + random.below(size.width - x0)),
              float(y0 + 1 + random.below(size.height - y0)), 1 + random.below(2)};
      box.is_crowd = random.below(5) == 0;
      boxes.push_back(box);
      if (i == 3) boxes.push_back(box);  // two of one size
    }
    const auto ious = box_ious(truth, prediction, image_of(size, boxes), BoxNumbers::edges);
    const auto expected = naive_ious(truth, prediction, boxes);
    CAPTURE(round);
    REQUIRE(ious.size() == expected.size());
    for (size_t i = 0; i < ious.size(); ++i) REQUIRE(std::abs(ious[i] - expected[i]) <= 1e-12);
    compared += ious.size();
  }
  REQUIRE(compared > 200);
}

TEST_CASE("boxes are averaged, and those over 0.8 counted") {
  const BoxScores scores = scores_of_boxes({1, 0.8, 0.9, 0.1});
  CHECK(scores.mean_iou == Approx(70));
  CHECK(scores.over_80 == 50);
  CHECK(std::isnan(scores_of_boxes({}).mean_iou));
  CHECK(std::isnan(scores_of_boxes({}).over_80));
}
