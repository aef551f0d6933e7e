// Labels can be made from boxes alone.
#include "eval/miou/baselines.h"

#include "common/runtime/parallel.h"
#include "eval/miou/confusion.h"
#include "tests/eval/made_up_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

double iou_of_class(const LabelMap& truth, const LabelMap& labels, size_t c) {
  Confusion confusion(3);
  confusion.add(truth, labels);
  return confusion.scores().iou.at(c);
}

std::vector<PixelBox> boxes_of(const Picture& p) {
  return pixel_boxes(p.boxes, {p.rgb.height, p.rgb.width}, BoxConvention::exact);
}

}  // namespace

TEST_CASE("smaller boxes lie on top of larger ones, later ones on top of equal ones") {
  const std::vector<PixelBox> boxes = {
      {1, 1, 3, 3, 1}, {0, 0, 4, 4, 2}, {2, 2, 4, 4, 3}, {2, 2, 2, 4, 4}, {3, 1, 2, 4, 4}};
  REQUIRE(painting_order(boxes) == std::vector<size_t>{1, 0, 2});  // the two empty ones are left out
  const LabelMap labels = filled_boxes(boxes, {4, 5});
  REQUIRE(labels.pixels == std::vector<uint8_t>{2, 2, 2, 2, 0,  //
                                                2, 1, 1, 2, 0,  //
                                                2, 1, 3, 3, 0,  //
                                                2, 2, 3, 3, 0});
  REQUIRE(filled_boxes({}, {2, 2}).pixels == std::vector<uint8_t>{0, 0, 0, 0});
}

TEST_CASE("filled boxes through the CRF follow the edges inside the boxes and stay in them") {
  const Picture p = make_picture(90, 120, 2);
  DenseCrf crf(CrfOptions{4, 55, 13, 3, 3, 10});
  const LabelMap filled = filled_boxes(boxes_of(p), {90, 120}), refined = filled_boxes_crf(p.rgb, boxes_of(p), crf);
  REQUIRE(iou_of_class(p.truth, refined, 1) > iou_of_class(p.truth, filled, 1) + 10);
  for (size_t i = 0; i < filled.pixels.size(); ++i)
    if (filled.pixels[i] == 0) REQUIRE(refined.pixels[i] == 0);
  REQUIRE(filled_boxes_crf(p.rgb, {}, crf) == LabelMap(90, 120));
}

TEST_CASE("a class stays inside its boxes, however strong the CRF is") {
  // On an image of one colour the large box would win everywhere.
  DenseCrf crf(CrfOptions{200, 55, 13, 200, 30, 10});
  const LabelMap labels = filled_boxes_crf(RgbImage(30, 40), {{0, 0, 38, 30, 1}}, crf);
  REQUIRE(labels.at(15, 20) == 1);
  for (int64_t y = 0; y < 30; ++y)
    for (int64_t x = 38; x < 40; ++x) REQUIRE(labels.at(y, x) == 0);
}

TEST_CASE("without kernels the CRF leaves filled boxes as they are") {
  const Picture p = make_picture(40, 60, 1);
  DenseCrf crf(CrfOptions{0, 55, 3, 0, 3, 10});
  REQUIRE(filled_boxes_crf(p.rgb, boxes_of(p), crf) == filled_boxes(boxes_of(p), {40, 60}));
}

TEST_CASE("GrabCut finds an object inside its box, and the smaller of two on top") {
  const Picture p = make_picture(90, 120, 4), two = make_picture(90, 120, 5);
  int64_t fallbacks = 0;
  const LabelMap labels = grabcut(p.rgb, boxes_of(p), 1, &fallbacks);
  REQUIRE(fallbacks == 0);
  REQUIRE(iou_of_class(p.truth, labels, 1) > 95);
  REQUIRE(iou_of_class(p.truth, filled_boxes(boxes_of(p), {90, 120}), 1) < 85);
  REQUIRE(iou_of_class(two.truth, grabcut(two.rgb, boxes_of(two), 1), 2) > 80);
}

TEST_CASE("GrabCut gives the same labels on any thread and whatever ran before") {
  // Object and ground have nine colours each, more than the five of a colour model, so that where it starts decides
  // some pixels.
  std::vector<RgbImage> pictures(6, RgbImage(60, 80));
  for (size_t i = 0; i < 6; ++i) {
    Random random(3, "nine colours", i);
    for (int64_t p = 0; p < 60 * 80 * 3; ++p) {
      const int64_t x = p / 3 % 80, y = p / 240, k = p % 3;
      const bool is_object = std::hypot(x - 35, y - 30) < 14;
      const int64_t patch = (y / 3 * 31 + x / 3 * 17 + (is_object ? 5 : 0)) % 9;
      const int64_t color = is_object ? patch * 53 + k * 90 + 100 : patch * 71 + k * 40;
      pictures[i].pixels[static_cast<size_t>(p)] = static_cast<uint8_t>(color % 200 + random.below(50));
    }
  }
  const auto cut_all = [&](uint64_t seed, int threads) {
    std::vector<LabelMap> labels(6);
    parallel_for(6, 1, threads, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
        labels[5 - i] = grabcut(pictures[5 - i], {{10, 10, 60, 50, 1}}, seed);
    });
    return labels;
  };
  const auto first = cut_all(9, 1);
  REQUIRE(cut_all(9, 2) == first);
  bool seed_matters = false;  // when false, the comparison above says nothing
  for (uint64_t seed = 10; seed < 16; ++seed) seed_matters = seed_matters || cut_all(seed, 1) != first;
  REQUIRE(seed_matters);
}

TEST_CASE("boxes that GrabCut cannot work with are filled") {
  const Picture p = make_picture(40, 50, 0);
  int64_t fallbacks = 0;
  LabelMap all(40, 50, 2);
  REQUIRE(grabcut(p.rgb, {{0, 0, 50, 40, 2}}, 0, &fallbacks) == all);  // nothing lies outside
  REQUIRE(fallbacks == 1);
  const LabelMap tiny = grabcut(p.rgb, {{3, 3, 4, 4, 1}}, 0, &fallbacks);  // one pixel
  REQUIRE(tiny.at(3, 3) == 1);
  REQUIRE(std::count(tiny.pixels.begin(), tiny.pixels.end(), 1) == 1);
  REQUIRE(fallbacks == 2);
  // In an image of one colour every box keeps some label, and nothing outside it gets one.
  const LabelMap plain = grabcut(RgbImage(30, 30), {{5, 5, 20, 20, 1}}, 0, &fallbacks);
  REQUIRE(std::count(plain.pixels.begin(), plain.pixels.end(), 1) > 0);
  REQUIRE(plain.at(0, 0) == 0);
}
