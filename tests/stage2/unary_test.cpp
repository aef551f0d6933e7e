#include "common/labels/unary.h"

#include <cmath>

#include "common/base/error.h"
#include "common/labels/attention.h"
#include "common/labels/cam.h"
#include "stage2_pseudolabel/labels.h"
#include "stage2_pseudolabel/measure_features.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// Makes 1 x 6 pixels on 1 x 6 cells, so that what is interpolated is what was given. Boxes are half-open columns.
Geometry row_of_six(const std::vector<PixelBox>& boxes) {
  Geometry g;
  g.size = {1, 6};
  g.boxes = boxes;
  g.is_background.assign(6, 1);
  for (const auto& b : boxes) {
    for (int64_t x = b.x0; x < b.x1; ++x) g.is_background[static_cast<size_t>(x)] = 0;
    g.classes.push_back(b.class_id);
  }
  std::sort(g.classes.begin(), g.classes.end());
  g.classes.erase(std::unique(g.classes.begin(), g.classes.end()), g.classes.end());
  return g;
}

FeatureMaps maps_of(std::vector<float> class_maps, std::vector<uint8_t> is_known, std::vector<float> background = {}) {
  FeatureMaps maps;
  maps.cells = {1, 6};
  maps.gram.assign(30, 0.f);
  maps.class_maps = std::move(class_maps);
  maps.is_known = std::move(is_known);
  maps.background_map = std::move(background);
  return maps;
}

const Interpolation kIdentity({1, 6}, {1, 6});

}  // namespace

TEST_CASE("background cells are cut from the padded image, and those without background are left out", "[stage2]") {
  Geometry g;
  g.size = {3, 6};  // grid 4: rows 3 -> 4 (one at the bottom), columns 6 -> 8 (one on each side)
  g.is_background.assign(18, 1);
  for (const size_t p : {0u, 6u, 12u}) g.is_background[p] = 0;  // column 0 is all of the first cell column
  const auto cells = background_cells(g, 4);
  CHECK(cells.cell_ids == std::vector<int64_t>{1, 2, 3, 5, 6, 7, 9, 10, 11});
  CHECK(cells.group_of_pixel == std::vector<int32_t>{-1, 0, 0, 1, 1, 2, -1, 3, 3, 4, 4, 5, -1, 6, 6, 7, 7, 8});
}

TEST_CASE("attention is the mean of positive cosines and 0 without queries", "[stage2]") {
  FeatureMaps maps;
  maps.cells = {1, 3};
  maps.gram.assign(15, 0.f);
  for (int i = 0; i < 3; ++i) maps.gram[static_cast<size_t>(i)] = 4.f;  // |f| = 2 on the cells
  const Interpolation identity({1, 3}, {1, 3});
  const auto norm = feature_norm(maps, identity);
  CHECK(norm == std::vector<float>{2, 2, 2});
  CHECK(attention_map(maps, identity, norm) == std::vector<float>{0, 0, 0});
  maps.query_maps = {2, 1, -1, 0, 1, -2};
  CHECK(attention_map(maps, identity, norm) == std::vector<float>{0.5f, 0.5f, 0});
}

TEST_CASE("the threshold keeps what reaches its share of the maximum", "[stage2]") {
  CHECK(threshold_attention({0.5f, 1.f, 0.49f, 0.25f}, 0.5) == std::vector<float>{0.5f, 1.f, 0, 0});
  CHECK(threshold_attention({0, 0}, 0.99) == std::vector<float>{0, 0});
}

TEST_CASE("CAMs are divided by each box's maximum, and of two boxes of a class the later one decides", "[stage2]") {
  const auto geometry = row_of_six({{0, 0, 4, 1, 3}, {2, 0, 5, 1, 3}, {5, 0, 6, 1, 7}});
  const std::vector<float> raw = {1, 2, 4, 2, 1, 8};
  std::vector<float> out(6, 9.f);
  normalise_in_boxes(raw.data(), geometry, 3, out.data());
  CHECK(out == std::vector<float>{0.25f, 0.5f, 1, 0.5f, 0.25f, 0});
  const std::vector<float> nothing(6, 0.f);
  normalise_in_boxes(nothing.data(), geometry, 3, out.data());
  CHECK(out == nothing);
}

TEST_CASE("the unary is 1 for background outside boxes and a softmax inside", "[stage2]") {
  const auto geometry = row_of_six({{1, 0, 3, 1, 2}});
  const auto maps = maps_of({5, 2, 4, 3, 3, 3}, {1});
  UnaryOptions options;
  const std::vector<float> attention = {1, 0.5f, 1, 0, 0, 0};
  const auto parts = make_unary_parts(options, maps, geometry, kIdentity, attention);
  CHECK(parts.background == std::vector<float>{1, 0, 1, 0, 0, 0});
  const auto unary = make_unary(options, parts, geometry, 1);
  const double e = std::exp(0.5), e1 = std::exp(1.0);
  CHECK(unary.plane(0)[0] == 1);
  CHECK(unary.plane(1)[0] == 0);
  CHECK(unary.plane(0)[1] == Approx(1 / (1 + e)));
  CHECK(unary.plane(1)[1] == Approx(e / (1 + e)));
  CHECK(unary.plane(0)[2] == Approx(e1 / (e1 + e1)));
  CHECK(unary.plane(0)[5] == 1);
}

TEST_CASE("a class without weight scores 1 - A in its boxes, or fills them as the report's code does", "[stage2]") {
  const auto geometry = row_of_six({{0, 0, 2, 1, 1}, {3, 0, 5, 1, 4}});
  const auto maps = maps_of({1, 2, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7}, {1, 0});
  const std::vector<float> attention = {0.9f, 0.1f, 0, 0.25f, 1, 0.5f};
  UnaryOptions options;
  auto parts = make_unary_parts(options, maps, geometry, kIdentity, attention);
  CHECK(std::vector<float>(parts.foreground.plane(1), parts.foreground.plane(1) + 6) ==
        std::vector<float>{0, 0, 0, 0.75f, 0, 0});
  CHECK(parts.background[4] == 1);
  options.fills_unknown_boxes = true;
  parts = make_unary_parts(options, maps, geometry, kIdentity, attention);
  CHECK(std::vector<float>(parts.foreground.plane(0), parts.foreground.plane(0) + 6) ==
        std::vector<float>{0.5f, 1, 0, 0, 0, 0});
  CHECK(std::vector<float>(parts.foreground.plane(1), parts.foreground.plane(1) + 6) ==
        std::vector<float>{0, 0, 0, 1, 1, 0});
  for (const size_t p : {0u, 1u, 3u, 4u}) CHECK(parts.background[p] == 0);
}

TEST_CASE("the background from its classifier weight follows the report's code or the paper", "[stage2]") {
  const auto geometry = row_of_six({{0, 0, 2, 1, 1}, {2, 0, 4, 1, 1}});
  const auto maps = maps_of({1, 1, 1, 1, 1, 1}, {1}, {4, 2, 8, 2, 3, -6});
  UnaryOptions options;
  options.background = BackgroundUnary::activation;
  auto parts = make_unary_parts(options, maps, geometry, kIdentity, std::vector<float>(6, 0.f));
  CHECK(parts.background == std::vector<float>{0, 0, 0, 0, 1, 0});
  auto unary = make_unary(options, parts, geometry, 1);
  CHECK(unary.plane(0)[4] == 1);
  CHECK(unary.plane(0)[5] == 0);  // not 1: the report's code leaves the map outside boxes
  CHECK(unary.plane(0)[0] == Approx(1 / (1 + std::exp(1.0))));
  options.background = BackgroundUnary::activation_of_paper;
  parts = make_unary_parts(options, maps, geometry, kIdentity, std::vector<float>(6, 0.f));
  CHECK(parts.background == std::vector<float>{1, 0.5f, 1, 0.25f, 1, 1});
  CHECK(make_unary(options, parts, geometry, 1).plane(0)[5] == 1);
  SECTION("a background that is 0 everywhere outside stays 0, where the report's code has NaN") {
    const auto dark = maps_of({1, 1, 1, 1, 1, 1}, {1}, {1, 1, 1, 1, -1, 0});
    options.background = BackgroundUnary::activation;
    CHECK(make_unary_parts(options, dark, geometry, kIdentity, std::vector<float>(6, 0.f)).background ==
          std::vector<float>(6, 0.f));
  }
}

TEST_CASE("scores outside a class's boxes do not count, and ties go to the lower index", "[stage2]") {
  const auto geometry = row_of_six({{1, 0, 3, 1, 2}, {2, 0, 5, 1, 9}});
  Planes scores(3, {1, 6});
  scores.values = {0.3f, 0.3f, 0.1f, 0.2f, 0.5f, 0.3f, 0.9f, 0.3f, 0.4f,
                   0.9f, 0.9f, 0.9f, 0.9f, 0.9f, 0.4f, 0.3f, 0.5f, 0.9f};
  reset_outside_boxes(scores, geometry);
  CHECK(scores.values ==
        std::vector<float>{0.3f, 0.3f, 0.1f, 0.2f, 0.5f, 0.3f, 0, 0.3f, 0.4f, 0, 0, 0, 0, 0, 0.4f, 0.3f, 0.5f, 0});
  CHECK(highest_class(scores, geometry).pixels == std::vector<uint8_t>{0, 0, 2, 9, 0, 0});
}

TEST_CASE("a label without pixels is sought by its classifier weight, or by 1 - A when there is none", "[stage2]") {
  const auto geometry = row_of_six({{0, 0, 2, 1, 1}, {3, 0, 5, 1, 2}, {5, 0, 6, 1, 3}});
  // There are two channels; the values are columns of [2,1,6].
  const std::vector<float> values = {1, 1, 0, 0, 3, 1, 0, 0, 1, 1, 4, 0};
  const at::Tensor features = at::from_blob(const_cast<float*>(values.data()), {2, 1, 6}, at::kFloat).clone();
  ClassWeights weights;
  weights.channels = 2;
  weights.rows = {0, 2, 5, 0};  // background looks down the second channel, class 1 down the first
  weights.row_of_class = {0, 1, -1, -1};
  const auto maps = measure_features(features, geometry, weights, 1, 1);
  const auto norm = feature_norm(maps, kIdentity);
  const std::vector<float> attention = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f};
  LabelMap y_crf(1, 6, 0);
  y_crf.pixels = {0, 0, 0, 0, 2, 2};  // classes 1 and 3 are empty
  const auto scores = correlation_maps(features, maps, geometry, weights, kIdentity, norm, attention, y_crf);
  const auto plane = [&](int64_t k) { return std::vector<float>(scores.plane(k), scores.plane(k) + 6); };
  // The background's mean of (1,0), (1,0), (0,1), (0,1) is (0.5, 0.5).
  CHECK(plane(0)[0] == Approx(std::sqrt(0.5)));
  CHECK(plane(0)[4] == Approx(7 / (5 * std::sqrt(2.0))));
  CHECK(plane(1) == std::vector<float>{1, 1, 0, 0, 0.6f, 1});            // along w_1
  CHECK(plane(2)[4] == Approx((3 * 2 + 4 * 2) / (5 * std::sqrt(8.0))));  // mean of (3,4) and (1,0)
  for (size_t p = 0; p < 6; ++p) CHECK(plane(3)[p] == 1.f - attention[p]);
}
