// These tests are on the confusion matrix and its scores.
#include "eval/miou/confusion.h"

#include <cmath>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/io/hdf5.h"
#include "eval/miou/evaluation.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

LabelMap map_of(int64_t height, int64_t width, std::vector<uint8_t> pixels) {
  LabelMap map(height, width);
  map.pixels = std::move(pixels);
  return map;
}

LabelMap read_map(const H5Reader& file, const std::string& name) {
  const Shape shape = file.shape(name);
  return map_of(shape.at(0), shape.at(1), file.read<uint8_t>(name));
}

void require_near(double value, double expected, const std::string& what) {
  INFO(what << ": " << value << " expected " << expected);
  if (std::isnan(expected))
    REQUIRE(std::isnan(value));
  else
    REQUIRE(std::abs(value - expected) <= 1e-9);
}

void require_golden(const H5Reader& file, const std::string& group, const Confusion& confusion) {
  const auto counts = file.read<int64_t>(group + "/confusion_rows_gt_cols_pred");
  for (int64_t t = 0; t < 21; ++t)
    for (int64_t p = 0; p < 21; ++p) REQUIRE(confusion.count(t, p) == counts[static_cast<size_t>(t * 21 + p)]);
  const SegmentationScores scores = confusion.scores();
  require_near(scores.miou, file.attribute<double>(group, "mIoU"), group + " mIoU");
  require_near(scores.miou_of_true_classes, file.attribute<double>(group, "mean_of_finite_iou"),
               group + " finite mIoU");
  require_near(scores.fwiou, file.attribute<double>(group, "fwIoU"), group + " fwIoU");
  require_near(scores.macc, file.attribute<double>(group, "mACC"), group + " mACC");
  require_near(scores.pacc, file.attribute<double>(group, "pACC"), group + " pACC");
  const auto iou = file.read<double>(group + "/iou_percent"), acc = file.read<double>(group + "/acc_percent");
  for (size_t c = 0; c < 21; ++c) {
    require_near(scores.iou[c], iou[c], group + " IoU of class " + std::to_string(c));
    require_near(scores.accuracy[c], acc[c], group + " accuracy of class " + std::to_string(c));
  }
}

}  // namespace

TEST_CASE("mIoU and its companions equal the authors' on the golden label maps", "[golden]") {
  SHARED_OR_SKIP(shared);
  const H5Reader file(shared / "golden/metrics.h5");
  Confusion all(21), added(21);
  for (const std::string name : {"0", "1", "2"}) {
    const std::string group = "semseg/" + name;
    const LabelMap label = read_map(file, group + "/label"), prediction = read_map(file, group + "/prediction");
    Confusion one(21);
    one.add(label, prediction);
    require_golden(file, group, one);
    all.add(label, prediction);
    added.add(one);
  }
  require_golden(file, "semseg/all", all);
  require_golden(file, "semseg/all", added);
}

TEST_CASE("a class that is predicted but nowhere true counts as zero in the mIoU") {
  Confusion confusion(4);
  confusion.add(map_of(1, 6, {0, 0, 0, 1, 1, 255}), map_of(1, 6, {0, 0, 2, 1, 0, 3}));
  const SegmentationScores s = confusion.scores();
  REQUIRE(confusion.total() == 5);  // the void pixel and what is predicted there are not counted
  REQUIRE(s.iou[0] == Approx(100 * 2.0 / 4));
  REQUIRE(s.iou[1] == Approx(100 * 1.0 / 2));
  REQUIRE(std::isnan(s.iou[2]));
  REQUIRE(std::isnan(s.iou[3]));
  REQUIRE(s.miou == Approx(100 * (0.5 + 0.5) / 3));
  REQUIRE(s.miou_of_true_classes == Approx(50));
  REQUIRE(s.pacc == Approx(60));
  REQUIRE(s.macc == Approx(100 * (2.0 / 3 + 0.5) / 2));
  REQUIRE(s.fwiou == Approx(100 * (0.5 * 3 / 5 + 0.5 * 2 / 5)));
}

TEST_CASE("classes that are only predicted are named, so that a low mIoU explains itself") {
  Evaluation e{Confusion(4), 1, 0};
  LabelMap truth(1, 4), prediction(1, 4);
  truth.pixels = {0, 0, 1, 1}, prediction.pixels = {0, 0, 1, 2};
  e.confusion.add(truth, prediction, Abstention::refused, "t", "p");
  CHECK(e.confusion.scores().only_predicted == std::vector<int64_t>{2});
  CHECK_THAT(table_of(e, {"background", "cat", "dog", "cow"}),
             Contains("mIoU 50.00") && Contains("each counts as 0: dog; without them mIoU 75.00"));
  prediction.pixels = {0, 0, 1, 1};
  Evaluation fine{Confusion(4), 1, 0};
  fine.confusion.add(truth, prediction, Abstention::refused, "t", "p");
  CHECK_THAT(table_of(fine, {"background", "cat", "dog", "cow"}), !Contains("counts as 0"));
  prediction.pixels = {0, 0, 1, 255};
  CHECK_THROWS_WITH(fine.confusion.add(truth, prediction, Abstention::refused, "t", "p"),
                    Contains("255 is void in ground truth, and no prediction"));
}

TEST_CASE("runs of equal pixels of any length are counted one by one") {
  Random random(0, "runs");
  for (const int64_t longest : {1, 3, 9, 40}) {
    std::vector<uint8_t> maps[2];
    for (auto& map : maps)
      while (map.size() < 1003) {
        const auto value = static_cast<uint8_t>(random.below(5));
        map.insert(map.end(), static_cast<size_t>(1 + random.below(longest)), value);
      }
    for (const size_t pixels : {1, 7, 8, 17, 1003}) {
      int64_t expected[5][5] = {};
      for (size_t i = 0; i < pixels; ++i) ++expected[maps[0][i]][maps[1][i]];
      Confusion confusion(5);
      confusion.add(
          map_of(1, static_cast<int64_t>(pixels), {maps[0].begin(), maps[0].begin() + static_cast<long>(pixels)}),
          map_of(1, static_cast<int64_t>(pixels), {maps[1].begin(), maps[1].begin() + static_cast<long>(pixels)}));
      for (int64_t t = 0; t < 5; ++t)
        for (int64_t p = 0; p < 5; ++p) REQUIRE(confusion.count(t, p) == expected[t][p]);
    }
  }
}

TEST_CASE("without a labelled pixel every score is not a number") {
  Confusion confusion(3);
  confusion.add(map_of(1, 2, {255, 255}), map_of(1, 2, {0, 1}));
  const SegmentationScores s = confusion.scores();
  for (const double value : {s.miou, s.miou_of_true_classes, s.fwiou, s.macc, s.pacc, s.iou[0], s.accuracy[2]})
    REQUIRE(std::isnan(value));
}

TEST_CASE("label maps that do not fit are refused with their name and value") {
  Confusion confusion(3);
  const LabelMap truth = map_of(1, 3, {0, 1, 2});
  REQUIRE_THROWS_WITH(confusion.add(truth, map_of(3, 1, {0, 1, 2}), Abstention::refused, "a.png", "b.png"),
                      Contains("b.png: 1 x 3") && Contains("a.png has 3 x 1"));
  REQUIRE_THROWS_WITH(confusion.add(truth, map_of(1, 3, {0, 7, 7}), Abstention::refused, "a.png", "b.png"),
                      Contains("b.png: 1 pixels have the value 7") && Contains("0 to 2"));
  REQUIRE_THROWS_WITH(confusion.add(map_of(1, 3, {0, 9, 9}), truth, Abstention::refused, "a.png", "b.png"),
                      Contains("a.png") && Contains("value 9"));
  REQUIRE_THROWS_WITH(confusion.add(truth, map_of(1, 3, {0, 255, 0})), Contains("value 255"));
  REQUIRE(confusion.total() == 0);  // a refused pair leaves nothing behind
  try {
    confusion.add(truth, map_of(3, 1, {0, 1, 2}));
    FAIL("not refused");
  } catch (const Error& e) {
    REQUIRE(e.kind() == ErrorKind::bad_input);
  }
}

TEST_CASE("disagreement of two maps counts as nothing, as background, or as wrong") {
  const LabelMap truth = map_of(1, 5, {0, 1, 1, 2, 0});
  const LabelMap crf = map_of(1, 5, {0, 1, 1, 2, 1}), ret = map_of(1, 5, {0, 1, 2, 1, 0});
  // They agree on the first two pixels.
  const auto score = [&](Disagreement rule) {
    Confusion confusion(3);
    confusion.add(truth, agreement(crf, ret, rule), abstention_of(rule));
    return confusion;
  };
  const Confusion ignored = score(Disagreement::ignored);
  REQUIRE(ignored.total() == 2);
  REQUIRE(ignored.scores().miou == Approx(100));

  const Confusion background = score(Disagreement::background);
  REQUIRE(background.total() == 5);
  // class 0: hits 2, true 2, predicted 4; class 1: hits 1, true 2, predicted 1; class 2: none found
  REQUIRE(background.scores().iou[0] == Approx(50));
  REQUIRE(background.scores().iou[1] == Approx(50));
  REQUIRE(background.scores().iou[2] == 0);

  const Confusion wrong = score(Disagreement::wrong);
  REQUIRE(wrong.total() == 5);
  REQUIRE(wrong.abstained(0) == 1);
  REQUIRE(wrong.abstained(1) == 1);
  REQUIRE(wrong.abstained(2) == 1);
  // class 0: hits 1, true 2, predicted 1; class 1: hits 1, true 2, predicted 1
  REQUIRE(wrong.scores().iou[0] == Approx(50));
  REQUIRE(wrong.scores().iou[1] == Approx(50));
  REQUIRE(wrong.scores().iou[2] == 0);
  REQUIRE(wrong.scores().pacc == Approx(40));
}
