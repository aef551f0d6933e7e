#include "eval/coco/coco_evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "common/base/error.h"
#include "common/runtime/parallel.h"
#include "eval/coco/coco_matching.h"

namespace boxseg {
namespace {

constexpr int64_t kLimits[kCocoLimits] = {1, 10, 100};

double recall_level(int64_t r) { return r == kCocoRecalls - 1 ? 1.0 : static_cast<double>(r) * .01; }

// This is a detection of one category among those of all images.
struct Ranked {
  double score;
  int64_t place;    // in its image
  size_t in_table;  // place in CocoMatches::detections
};

// Computes precision and recall of one category. Between two detections that are found, precision only falls and recall
// stands still: one value per found detection is all there is to look at.
class Curves {
 public:
  Curves(const CocoMatches& table, std::span<const CocoCell> cells, const std::vector<CocoObject>& detections,
         int64_t k, CocoResult& result)
      : table_(table), cells_(cells), k_(k), result_(result) {
    for (const CocoCell& cell : cells)
      for (size_t i = 0; i < cell.detections; ++i) {
        const size_t in_table = cell.first_detection + i;
        ranked_.push_back({detections[table.detections[in_table]].score, static_cast<int64_t>(i), in_table});
      }
    std::stable_sort(ranked_.begin(), ranked_.end(),
                     [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  }

  void run() {
    for (int64_t area = 0; area < kCocoAreas; ++area) {
      int64_t counted = 0;
      for (const CocoCell& cell : cells_) counted += cell.counted[area];
      if (counted == 0) continue;
      for (int64_t m = 0; m < kCocoLimits; ++m) {
        matches_.clear();
        for (const Ranked& r : ranked_)
          if (r.place < kLimits[m]) matches_.push_back(table_.matches[area][r.in_table]);
        for (int64_t t = 0; t < kCocoThresholds; ++t) put_curve(t, area, m, static_cast<double>(counted));
      }
    }
  }

 private:
  void put_curve(int64_t t, int64_t area, int64_t m, double counted) {
    precisions_.clear();
    double found = 0, wrong = 0;
    for (const CocoMatch& match : matches_) {
      if ((match.ignored >> t & 1) != 0) continue;
      if ((match.found >> t & 1) == 0) {
        wrong += 1;
        continue;
      }
      found += 1;
      precisions_.push_back(found / (wrong + found + std::numeric_limits<double>::epsilon()));
    }
    for (size_t i = precisions_.size(); i-- > 1;) precisions_[i - 1] = std::max(precisions_[i - 1], precisions_[i]);
    const int64_t categories = result_.categories;
    result_.recall[static_cast<size_t>(((t * categories + k_) * kCocoAreas + area) * kCocoLimits + m)] =
        found / counted;
    size_t i = 0;
    for (int64_t r = 0; r < kCocoRecalls; ++r) {
      while (i < precisions_.size() && static_cast<double>(i + 1) / counted < recall_level(r)) ++i;
      result_.precision[static_cast<size_t>(
          (((t * kCocoRecalls + r) * categories + k_) * kCocoAreas + area) * kCocoLimits + m)] =
          i < precisions_.size() ? precisions_[i] : 0;
    }
  }

  const CocoMatches& table_;
  std::span<const CocoCell> cells_;
  int64_t k_;
  CocoResult& result_;
  std::vector<Ranked> ranked_;
  std::vector<CocoMatch> matches_;
  std::vector<double> precisions_;
};

// Does NumPy's sum of a contiguous array: eight sums side by side in blocks of up to 128, halves above. Another order
// gives another last digit.
double pairwise_sum(const double* x, size_t n) {
  if (n < 8) return std::accumulate(x, x + n, 0.0);
  if (n > 128) {
    const size_t half = n / 2 - n / 2 % 8;
    return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
  }
  double s[8];
  std::copy(x, x + 8, s);
  size_t i = 8;
  for (; i < n - n % 8; i += 8)
    for (size_t j = 0; j < 8; ++j) s[j] += x[i + j];
  double sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
  for (; i < n; ++i) sum += x[i];
  return sum;
}

double mean_or_none(const std::vector<double>& values) {
  return values.empty() ? -1 : pairwise_sum(values.data(), values.size()) / static_cast<double>(values.size());
}

// Averages what is there for thresholds t0 <= t < t1 and these categories.
double mean_precision(const CocoResult& result, int64_t t0, int64_t t1, const std::vector<int64_t>& categories,
                      int64_t area, int64_t m) {
  std::vector<double> values;
  for (int64_t t = t0; t < t1; ++t)
    for (int64_t r = 0; r < kCocoRecalls; ++r)
      for (const int64_t k : categories) {
        const double p = result.precision[static_cast<size_t>(
            (((t * kCocoRecalls + r) * result.categories + k) * kCocoAreas + area) * kCocoLimits + m)];
        if (p > -1) values.push_back(p);
      }
  return mean_or_none(values);
}

double mean_recall(const CocoResult& result, const std::vector<int64_t>& categories, int64_t area, int64_t m) {
  std::vector<double> values;
  for (int64_t t = 0; t < kCocoThresholds; ++t)
    for (const int64_t k : categories) {
      const double r =
          result.recall[static_cast<size_t>(((t * result.categories + k) * kCocoAreas + area) * kCocoLimits + m)];
      if (r > -1) values.push_back(r);
    }
  return mean_or_none(values);
}

}  // namespace

const std::array<const char*, 12> kCocoStatNames = {"AP",  "AP50", "AP75",  "APs", "APm", "APl",
                                                    "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};

std::array<double, 12> CocoResult::stats() const {
  std::vector<int64_t> all(static_cast<size_t>(categories));
  std::iota(all.begin(), all.end(), 0);
  return stats_of(all);
}

std::array<double, 12> CocoResult::stats_of(const std::vector<int64_t>& of) const {
  const int64_t all = kCocoThresholds;
  return {mean_precision(*this, 0, all, of, 0, 2),
          mean_precision(*this, 0, 1, of, 0, 2),
          mean_precision(*this, 5, 6, of, 0, 2),
          mean_precision(*this, 0, all, of, 1, 2),
          mean_precision(*this, 0, all, of, 2, 2),
          mean_precision(*this, 0, all, of, 3, 2),
          mean_recall(*this, of, 0, 0),
          mean_recall(*this, of, 0, 1),
          mean_recall(*this, of, 0, 2),
          mean_recall(*this, of, 1, 2),
          mean_recall(*this, of, 2, 2),
          mean_recall(*this, of, 3, 2)};
}

double CocoResult::ap_of_category(int64_t k) const { return mean_precision(*this, 0, kCocoThresholds, {k}, 0, 2); }

CocoResult evaluate_coco(const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type,
                         int threads) {
  const CocoMatches table = match_coco(truth, detections, type, threads);
  CocoResult result;
  const auto categories = static_cast<int64_t>(truth.categories.size());
  result.categories = categories;
  result.precision.assign(static_cast<size_t>(kCocoThresholds * kCocoRecalls * categories * kCocoAreas * kCocoLimits),
                          -1);
  result.recall.assign(static_cast<size_t>(kCocoThresholds * categories * kCocoAreas * kCocoLimits), -1);
  const std::span<const CocoCell> cells(table.cells);
  std::vector<std::span<const CocoCell>> of_category(static_cast<size_t>(categories));
  for (size_t begin = 0, end = 0; begin < cells.size(); begin = end) {
    while (end < cells.size() && cells[end].category == cells[begin].category) ++end;
    of_category[static_cast<size_t>(cells[begin].category)] = cells.subspan(begin, end - begin);
  }
  parallel_for(categories, 1, threads, [&](int64_t k, int64_t) {
    Curves(table, of_category[static_cast<size_t>(k)], detections, k, result).run();
  });
  return result;
}

std::string coco_summary(const CocoResult& result) {
  static const char* const kIou[] = {"0.50:0.95", "0.50", "0.75"};
  static const char* const kArea[] = {"all", "small", "medium", "large"};
  const auto stats = result.stats();
  std::string text;
  for (size_t i = 0; i < 12; ++i) {
    const bool is_precision = i < 6;
    const size_t area = i % 6 < 3 ? 0 : i % 6 - 2;
    const int64_t limit = i == 6 || i == 7 ? kLimits[i - 6] : 100;
    text += fmt::format(" Average {:<18} @[ IoU={:<9} | area={:>6} | maxDets={:>3} ] = {:.3f}\n",
                        is_precision ? "Precision  (AP)" : "Recall     (AR)", kIou[is_precision && i < 3 ? i : 0],
                        kArea[area], limit, stats[i]);
  }
  return text;
}

}  // namespace boxseg
