// COCO evaluation is compared with pycocotools (golden/metrics.h5), and checked by hand.
#include <cstring>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/random.h"
#include "common/io/hdf5.h"
#include "eval/coco/coco_evaluation.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// Returns -1 where all bits are equal, else the first place where they are not.
int64_t first_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(double)) != 0) {
      UNSCOPED_INFO(fmt::format("[{}] is {:.17g}, expected {:.17g}", i, a[i], b[i]));
      return static_cast<int64_t>(i);
    }
  return -1;
}

// Makes a mask from rows of '.' and '#'.
RunLengths drawn(const std::vector<std::string>& rows) {
  RunLengths mask{static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size()), {0}};
  bool value = false;
  for (size_t x = 0; x < rows[0].size(); ++x)
    for (const auto& row : rows) {
      if ((row[x] == '#') != value) mask.runs.push_back(0), value = !value;
      ++mask.runs.back();
    }
  return mask;
}

}  // namespace

TEST_CASE("average precision and recall are pycocotools' to the last bit", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/metrics.h5");
  for (const auto& [type, name] : {std::pair{CocoType::segm, "coco/segm"}, {CocoType::bbox, "coco/bbox"}}) {
    for (const int threads : {1, 3}) {
      INFO(name << " " << threads);
      const auto [truth, detections] =
          read_coco_files(shared / "golden/coco_gt.json", shared / "golden/coco_dt.json", type, threads);
      const CocoResult result = evaluate_coco(truth, detections, type, threads);
      std::vector<double> precision;  // stored as float32
      for (const double p : result.precision) precision.push_back(static_cast<float>(p));
      REQUIRE(first_difference(precision, file.read<double>(std::string(name) + "/precision_TRKAM")) == -1);
      REQUIRE(first_difference(result.recall, file.read<double>(std::string(name) + "/recall_TKAM")) == -1);
      const auto stats = result.stats();
      REQUIRE(first_difference({stats.begin(), stats.end()}, file.read<double>(std::string(name) + "/stats")) == -1);
    }
  }
}

TEST_CASE("areas, boxes and pixels of masks are pycocotools'", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/metrics.h5");
  const auto [truth, detections] =
      read_coco_files(shared / "golden/coco_gt.json", shared / "golden/coco_dt.json", CocoType::segm, 1);
  const auto areas = file.read<double>("coco/gt_area_from_mask"), boxes = file.read<double>("coco/gt_bbox_from_mask");
  const auto sums = file.read<int64_t>("coco/gt_rle_pixel_sum_weighted");
  REQUIRE(truth.objects.size() == areas.size());
  for (size_t i = 0; i < areas.size(); ++i) {
    const RunLengths& mask = truth.objects[i].mask;
    int64_t sum = 0, position = 0;
    for (size_t r = 0; r < mask.runs.size(); ++r)
      for (uint32_t j = 0; j < mask.runs[r]; ++j) ++position, sum += r % 2 == 1 ? position : 0;
    INFO(i);
    REQUIRE(static_cast<double>(area_of(mask)) == areas[i]);
    REQUIRE(sum == sums[i]);
    const CocoBox box = box_of(mask);
    REQUIRE(std::vector<double>(box.begin(), box.end()) ==
            std::vector<double>(boxes.begin() + long(4 * i), boxes.begin() + long(4 * i + 4)));
  }
  const auto dt_areas = file.read<uint32_t>("coco/dt_area");
  for (size_t i = 0; i < dt_areas.size(); ++i) REQUIRE(detections[i].area == dt_areas[i]);
}

TEST_CASE("masks drawn by hand have their area, box, text and overlap") {
  const RunLengths a = drawn({"....", ".##.", ".##.", "...."}), b = drawn({"....", "..##", "..##", "...."});
  REQUIRE(area_of(a) == 4);
  REQUIRE(box_of(a) == CocoBox{1, 1, 2, 2});
  REQUIRE(mask_iou(a, b, false) == 2.0 / 6);
  REQUIRE(mask_iou(a, b, true) == 2.0 / 4);
  REQUIRE(mask_iou(a, drawn({"...", ".#.", "..."}), false) == -1);
  REQUIRE(area_of(drawn({"...", "..."})) == 0);
  REQUIRE(box_of(drawn({"...", "..."})) == CocoBox{0, 0, 0, 0});
  // Runs of no pixel are treated as in pycocotools 2.0.11: boxes skip them, and where two masks have one at the same
  // pixel, they end there.
  REQUIRE(box_of({50, 60, {270, 0, 30, 12, 2688}}) == CocoBox{6, 0, 1, 12});
  REQUIRE(box_of({50, 60, {0, 0, 270, 12, 2718}}) == CocoBox{5, 20, 1, 12});
  REQUIRE(box_of({50, 60, {270, 0, 2730}}) == CocoBox{60, 50, 4294967237, 4294967247});
  const RunLengths parted{50, 60, {250, 12, 20, 0, 18, 12, 2688}};
  REQUIRE(mask_iou(parted, parted, false) == 1.0);
  REQUIRE(mask_iou(parted, {50, 60, {250, 12, 20, 0, 18, 6, 2694}}, false) == 1.0);
  REQUIRE(box_iou({0, 0, 2, 2}, {1, 0, 2, 2}, false) == 2.0 / 6);
  REQUIRE(box_iou({0, 0, 2, 2}, {2, 0, 2, 2}, false) == 0);
  const RunLengths square = mask_of_polygons({{1, 1, 1, 3, 3, 3, 3, 1}}, 5, 5);
  REQUIRE(area_of(square) == 4);
  REQUIRE(box_of(square) == CocoBox{1, 1, 2, 2});
  const RunLengths both = mask_of_polygons({{1, 1, 1, 3, 3, 3, 3, 1}, {2, 2, 2, 4, 4, 4, 4, 2}}, 5, 5);
  REQUIRE(area_of(both) == 7);
}

namespace {

// Goes the COCO API's way: every point of the outline on the finer grid, and a look at each step between two.
std::vector<uint32_t> changes_by_walking(const std::vector<double>& polygon, int64_t height, int64_t width) {
  std::vector<std::pair<int, int>> corners, outline;
  for (size_t j = 0; j < polygon.size(); j += 2)
    corners.emplace_back(static_cast<int>(5.0 * polygon[j] + .5), static_cast<int>(5.0 * polygon[j + 1] + .5));
  corners.push_back(corners[0]);
  for (size_t j = 0; j + 1 < corners.size(); ++j) {
    auto a = corners[j], b = corners[j + 1];
    const int dx = std::abs(b.first - a.first), dy = std::abs(b.second - a.second), steps = std::max(dx, dy);
    const bool is_turned = dx >= dy ? a.first > b.first : a.second > b.second;
    if (is_turned) std::swap(a, b);
    for (int i = 0; i <= steps; ++i) {
      const int t = is_turned ? steps - i : i;
      if (dx >= dy)
        outline.emplace_back(
            a.first + t,
            static_cast<int>(a.second + (dx == 0 ? 0 : static_cast<double>(b.second - a.second) / dx) * t + .5));
      else
        outline.emplace_back(static_cast<int>(a.first + static_cast<double>(b.first - a.first) / dy * t + .5),
                             a.second + t);
    }
  }
  std::vector<uint32_t> changes;
  for (size_t j = 1; j < outline.size(); ++j) {
    if (outline[j].first == outline[j - 1].first) continue;
    const double x = (std::min(outline[j].first, outline[j - 1].first) + .5) / 5 - .5;
    if (std::floor(x) != x || x < 0 || x > static_cast<double>(width - 1)) continue;
    const double y = std::clamp((std::min(outline[j].second, outline[j - 1].second) + .5) / 5 - .5, 0.0,
                                static_cast<double>(height));
    changes.push_back(static_cast<uint32_t>(static_cast<int64_t>(x) * height + static_cast<int64_t>(std::ceil(y))));
  }
  std::sort(changes.begin(), changes.end());
  return changes;
}

}  // namespace

TEST_CASE("the mask of a polygon is that of a walk along every point of its outline") {
  Random random(4, "coco polygons");
  for (int i = 0; i < 20000; ++i) {
    const int64_t height = 1 + random.below(60), width = 1 + random.below(60), beyond = i % 4 == 0 ? 300 : 3;
    std::vector<double> polygon;
    for (int64_t corner = 0, corners = 2 + random.below(8); corner < corners; ++corner)
      for (const int64_t side : {width, height}) {
        const double v = random.uniform() * static_cast<double>(side + 2 * beyond) - static_cast<double>(beyond);
        polygon.push_back(i % 3 == 0 ? std::round(v) : v);  // whole pixels as well: ties
      }
    const RunLengths mask = mask_of_polygons({polygon}, height, width);
    std::vector<uint8_t> pixels(static_cast<size_t>(height * width)), expected(pixels.size());
    for (size_t r = 0, at = 0; r < mask.runs.size(); at += mask.runs[r++])
      std::fill_n(pixels.begin() + static_cast<long>(at), mask.runs[r], static_cast<uint8_t>(r % 2));
    for (const uint32_t change : changes_by_walking(polygon, height, width))
      for (size_t p = change; p < expected.size(); ++p) expected[p] ^= 1;
    INFO(i);
    REQUIRE(pixels == expected);
  }
}

TEST_CASE("a mask survives its text, whatever its runs") {
  Random random(3, "coco masks");
  for (int i = 0; i < 200; ++i) {
    RunLengths mask{1000, 0, {}};
    const int64_t runs = 1 + random.below(12);
    for (int64_t r = 0; r < runs; ++r) mask.runs.push_back(static_cast<uint32_t>(random.below(r == 0 ? 3 : 40000)));
    REQUIRE(mask_of_text(text_of_mask(mask), 1000, 0).runs == mask.runs);
  }
  REQUIRE_THROWS_WITH(mask_of_text("`", 3, 3), Contains("cut short"));
  REQUIRE_THROWS_WITH(mask_of_text("\x01", 3, 3), Contains("letter 1"));
}

namespace {

struct Files {
  test::TemporaryDirectory dir;
  std::filesystem::path truth = dir / "gt.json", detections = dir / "dt.json";
  explicit Files(const std::string& dt,
                 const std::string& annotations =
                     R"({"id":1,"image_id":5,"category_id":2,"area":100,"bbox":[0,0,10,10],"iscrowd":0})") {
    write_file(truth,
               R"({"images":[{"id":5,"height":50,"width":60}],"categories":[{"id":2,"name":"cat"}],"annotations":[)" +
                   annotations + "]}");
    write_file(detections, dt);
  }
  std::array<double, 12> stats() const {
    const CocoFiles files = read_coco_files(truth, detections, CocoType::bbox, 1);
    return evaluate_coco(files.truth, files.detections, CocoType::bbox, 1).stats();
  }
};

}  // namespace

TEST_CASE("one box found exactly is all precision and recall there is") {
  const auto perfect = Files(R"([{"image_id":5,"category_id":2,"score":0.9,"bbox":[0,0,10,10]}])").stats();
  REQUIRE(perfect[0] == Approx(1).margin(1e-12));
  REQUIRE(perfect[8] == 1);
  REQUIRE(perfect[4] == -1);  // no medium object
  const auto none = Files("[]").stats();
  REQUIRE(none[0] == 0);
  REQUIRE(none[8] == 0);
  // An IoU of exactly 0.5 is enough at the first threshold only.
  const auto half = Files(R"([{"image_id":5,"category_id":2,"score":0.9,"bbox":[0,0,10,5]}])").stats();
  REQUIRE(half[1] == Approx(1).margin(1e-12));
  REQUIRE(half[2] == 0);
}

TEST_CASE("files that are no COCO files are refused with the place") {
  const auto message = [](const Files& files) {
    try {
      files.stats();
    } catch (const Error& e) {
      REQUIRE(e.exit_code() == 3);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  REQUIRE_THAT(message(Files("{")), Contains("dt.json") && Contains("no JSON"));
  REQUIRE_THAT(message(Files("[] 1")), Contains("dt.json") && Contains("no JSON"));
  REQUIRE_THAT(message(Files(R"([{"image_id":5,"category_id":2,"score":1,"bbox":[0,0,1,1]},])")),
               Contains("dt.json") && Contains("no JSON"));
  REQUIRE_THAT(message(Files(R"([{"image_id":5,"category_id":2,"score":01,"bbox":[0,0,1,1]}])")),
               Contains("detections[0]") && Contains("no JSON"));
  REQUIRE_THAT(message(Files("[7]")), Contains("detections[0]"));
  REQUIRE_THAT(message(Files("{}")), Contains("not a list of detections"));
  REQUIRE_THAT(message(Files(R"([{"image_id":6,"category_id":2,"score":1,"bbox":[0,0,1,1]}])")),
               Contains("detections[0]") && Contains("image 6"));
  REQUIRE_THAT(message(Files(R"([{"image_id":5,"category_id":2,"bbox":[0,0,1,1]}])")), Contains("score"));
  REQUIRE_THAT(message(Files(R"([{"image_id":5,"category_id":2,"score":1,"bbox":[0,0,1]}])")), Contains("3 numbers"));
  REQUIRE_THAT(message(Files("[]", R"({"id":1,"image_id":5,"category_id":2,"bbox":[0,0,1,1]})")),
               Contains("annotations[0]") && Contains("area"));
  const std::string one = R"({"id":1,"image_id":5,"category_id":2,"area":1,"bbox":[0,0,1,1]})";
  REQUIRE_THAT(message(Files("[]", one + "," + one)), Contains("annotations[1]") && Contains("id 1"));
}
