#include "eval/miou/confusion.h"

#include <bit>
#include <cstring>
#include <limits>

#include "common/base/error.h"
#include "common/labels/agreed_labels.h"

namespace boxseg {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Counts how often each pair of byte values stands at the same place of two maps. Label maps are large areas of one
// value, so most pixels are counted eight at a time.
class PairCounts {
 public:
  // Pairs are [256 * a + b]; `rows` says which a there are.
  std::vector<uint32_t> pairs = std::vector<uint32_t>(256 * 256, 0);
  bool rows[256] = {};

  void count(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
    size_t i = 0;
    while (i < a.size()) {
      const size_t end = end_of_run(a, b, i);
      pairs[a[i] * size_t{256} + b[i]] += static_cast<uint32_t>(end - i);
      rows[a[i]] = true;
      i = end;
    }
  }

 private:
  static uint64_t eight(const std::vector<uint8_t>& values, size_t i) {
    uint64_t word;
    std::memcpy(&word, values.data() + i, 8);
    return word;
  }

  // Returns where the run of pairs that equal the one at i ends.
  static size_t end_of_run(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b, size_t i) {
    constexpr uint64_t kEach = 0x0101010101010101;
    const uint64_t all_a = a[i] * kEach, all_b = b[i] * kEach;
    for (; i + 8 <= a.size(); i += 8)
      if (const uint64_t differs = (eight(a, i) ^ all_a) | (eight(b, i) ^ all_b); differs != 0)
        return i + static_cast<size_t>(std::countr_zero(differs)) / 8;
    const uint8_t value_a = static_cast<uint8_t>(all_a), value_b = static_cast<uint8_t>(all_b);
    while (i < a.size() && a[i] == value_a && b[i] == value_b) ++i;
    return i;
  }
};

double ratio(double part, double whole) { return whole > 0 ? part / whole : kNan; }

}  // namespace

Confusion::Confusion(int64_t classes) : classes_(classes), counts_(static_cast<size_t>(classes * (classes + 1)), 0) {
  ensure(classes >= 1 && classes <= 255, "confusion matrix: {} classes, expected 1 to 255", classes);
}

void Confusion::add(const LabelMap& truth, const LabelMap& prediction, Abstention abstention,
                    const std::string& truth_name, const std::string& prediction_name) {
  if (truth.height != prediction.height || truth.width != prediction.width)
    fail_input("{}: {} x {} pixels (width x height), but {} has {} x {}; predictions have the size of their image",
               prediction_name, prediction.width, prediction.height, truth_name, truth.width, truth.height);
  // All pairs of byte values are counted first and judged afterwards, so that no value is missed.
  ensure(truth.pixels.size() < std::numeric_limits<uint32_t>::max(), "{}: too many pixels", truth_name);
  PairCounts counted;
  counted.count(truth.pixels, prediction.pixels);

  std::vector<int64_t> found = counts_;  // so that a refused pair leaves nothing behind
  for (int64_t t = 0; t < kVoid; ++t) {
    for (int64_t p = 0; counted.rows[t] && p < 256; ++p) {
      const int64_t n = counted.pairs[static_cast<size_t>(t * 256 + p)];
      if (n == 0) continue;
      if (t >= classes_)
        fail_input(
            "{}: {} pixels have the value {}, expected classes 0 to {} or 255 (void); is it a mask of this dataset?",
            truth_name, n, t, classes_ - 1);
      const bool abstains = p == kVoid && abstention != Abstention::refused;
      if (p >= classes_ && !abstains)
        fail_input("{}: {} pixels have the value {}, expected classes 0 to {}{}", prediction_name, n, p, classes_ - 1,
                   p == kVoid ? "; 255 is void in ground truth, and no prediction: write a class for each pixel"
                              : "; was it made for another dataset?");
      if (abstains && abstention == Abstention::ignored) continue;
      found[static_cast<size_t>(t * (classes_ + 1) + (abstains ? classes_ : p))] += n;
    }
  }
  counts_ = std::move(found);
}

void Confusion::add(const Confusion& other) {
  ensure(other.classes_ == classes_, "confusion matrices of {} and {} classes", classes_, other.classes_);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

int64_t Confusion::total() const {
  int64_t sum = 0;
  for (const int64_t n : counts_) sum += n;
  return sum;
}

SegmentationScores Confusion::scores() const {
  SegmentationScores s;
  s.iou.assign(static_cast<size_t>(classes_), kNan);
  s.accuracy = s.iou;
  const auto all = static_cast<double>(total());
  double hits = 0, sum_iou = 0, sum_accuracy = 0, sum_weighted = 0;
  int64_t true_classes = 0, seen_classes = 0;
  for (int64_t c = 0; c < classes_; ++c) {
    int64_t row = 0, column = 0;
    for (int64_t p = 0; p <= classes_; ++p) row += count(c, p);
    for (int64_t t = 0; t < classes_; ++t) column += count(t, c);
    const auto hit = static_cast<double>(count(c, c)), is_true = static_cast<double>(row);
    hits += hit;
    if (row + column > 0) ++seen_classes;
    if (row == 0 && column > 0) s.only_predicted.push_back(c);
    if (row == 0) continue;
    ++true_classes;
    const double iou = hit / (is_true + static_cast<double>(column) - hit), accuracy = hit / is_true;
    sum_iou += iou;
    sum_accuracy += accuracy;
    sum_weighted += iou * (is_true / all);
    s.iou[static_cast<size_t>(c)] = 100 * iou;
    s.accuracy[static_cast<size_t>(c)] = 100 * accuracy;
  }
  s.miou = 100 * ratio(sum_iou, static_cast<double>(seen_classes));
  s.miou_of_true_classes = 100 * ratio(sum_iou, static_cast<double>(true_classes));
  s.macc = 100 * ratio(sum_accuracy, static_cast<double>(true_classes));
  s.fwiou = all > 0 ? 100 * sum_weighted : kNan;
  s.pacc = 100 * ratio(hits, all);
  return s;
}

LabelMap agreement(const LabelMap& a, const LabelMap& b, Disagreement rule) {
  return agreed_labels(a, b, rule == Disagreement::background ? 0 : kVoid);
}

Abstention abstention_of(Disagreement rule) {
  switch (rule) {
    case Disagreement::ignored:
      return Abstention::ignored;
    case Disagreement::wrong:
      return Abstention::wrong;
    case Disagreement::background:
      break;
  }
  return Abstention::refused;
}

}  // namespace boxseg
