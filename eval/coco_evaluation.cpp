#include "eval/coco_evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "common/base/error.h"
#include "common/base/parallel.h"

namespace boxseg {
namespace {

constexpr int64_t kMostDetections = 100;
constexpr int64_t kLimits[kCocoLimits] = {1, 10, 100};
// COCOeval's are 1e5^2 for "no limit"; both ends belong to a range.
constexpr double kAreas[kCocoAreas][2] = {{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};

double threshold(int64_t t) { return t == kCocoThresholds - 1 ? .95 : static_cast<double>(t) * ((.95 - .5) / 9) + .5; }
double recall_level(int64_t r) { return r == kCocoRecalls - 1 ? 1.0 : static_cast<double>(r) * .01; }

// One detection in one range of areas: a bit per threshold.
struct Match {
  uint16_t found = 0, ignored = 0;
};

// The objects of one category in one image.
struct Cell {
  int64_t category = 0, image = 0;
  std::vector<size_t> truths, detections;  // indices; detections by falling score, at most 100
  std::vector<double> scores;              // of detections
  std::vector<Match> matches[kCocoAreas];  // of detections
  int64_t counted[kCocoAreas] = {};        // truths that are not ignored
};

std::vector<Cell> cells_of(const CocoTruth& truth, const std::vector<CocoObject>& detections) {
  struct Key {
    int64_t category, image;
    bool is_detection;
    size_t index;
  };
  std::vector<Key> keys;
  keys.reserve(truth.objects.size() + detections.size());
  for (size_t i = 0; i < truth.objects.size(); ++i) keys.push_back({truth.objects[i].category, truth.objects[i].image, false, i});
  for (size_t i = 0; i < detections.size(); ++i) keys.push_back({detections[i].category, detections[i].image, true, i});
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return std::tie(a.category, a.image, a.is_detection, a.index) < std::tie(b.category, b.image, b.is_detection, b.index);
  });
  std::vector<Cell> cells;
  for (const Key& key : keys) {
    if (cells.empty() || cells.back().category != key.category || cells.back().image != key.image) {
      cells.emplace_back();
      cells.back().category = key.category, cells.back().image = key.image;
    }
    (key.is_detection ? cells.back().detections : cells.back().truths).push_back(key.index);
  }
  return cells;
}

// iou[d * truths + t]; masks are compared where their boxes meet.
std::vector<double> ious_of(const Cell& cell, const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type) {
  std::vector<double> ious;
  ious.reserve(cell.detections.size() * cell.truths.size());
  std::vector<CocoBox> boxes;
  for (const size_t t : cell.truths) boxes.push_back(type == CocoType::bbox ? truth.objects[t].box : box_of(truth.objects[t].mask));
  for (const size_t d : cell.detections) {
    const CocoObject& detection = detections[d];
    const CocoBox box = type == CocoType::bbox || cell.truths.empty() ? detection.box : box_of(detection.mask);
    for (size_t i = 0; i < cell.truths.size(); ++i) {
      const CocoObject& object = truth.objects[cell.truths[i]];
      double iou = box_iou(box, boxes[i], object.is_crowd);
      if (type == CocoType::segm && iou > 0) iou = mask_iou(detection.mask, object.mask, object.is_crowd);
      ious.push_back(iou);
    }
  }
  return ious;
}

// What one truth is to the matching in one range of areas.
struct Candidate {
  size_t column;
  bool is_ignored, is_crowd;
  bool has_id;  // COCOeval stores the id of the match, and takes 0 for none
};

std::vector<Candidate> candidates_of(const Cell& cell, const CocoTruth& truth, const double* range) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < cell.truths.size(); ++i) {
    const CocoObject& object = truth.objects[cell.truths[i]];
    const bool is_ignored = object.is_crowd || object.area < range[0] || object.area > range[1];
    candidates.push_back({i, is_ignored, object.is_crowd, object.id != 0});
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return a.is_ignored < b.is_ignored; });
  return candidates;
}

// Each detection, the most certain first, takes the free truth that it covers best; one that counts goes before ignored
// ones; crowds are never used up.
void match(Cell& cell, int64_t area, const std::vector<Candidate>& candidates, const std::vector<double>& ious) {
  auto& matches = cell.matches[area];
  matches.assign(cell.detections.size(), {});
  std::vector<uint8_t> is_taken;
  for (int64_t t = 0; t < kCocoThresholds; ++t) {
    is_taken.assign(candidates.size(), 0);
    const double least = std::min(threshold(t), 1 - 1e-10);
    const auto bit = static_cast<uint16_t>(1 << t);
    for (size_t d = 0; d < cell.detections.size(); ++d) {
      double best_iou = least;
      int64_t best = -1;
      for (size_t g = 0; g < candidates.size(); ++g) {
        const Candidate& candidate = candidates[g];
        if (is_taken[g] != 0 && !candidate.is_crowd) continue;
        if (best >= 0 && !candidates[static_cast<size_t>(best)].is_ignored && candidate.is_ignored) break;
        const double iou = ious[d * candidates.size() + candidate.column];
        if (iou < best_iou) continue;
        best_iou = iou;
        best = static_cast<int64_t>(g);
      }
      if (best < 0) continue;
      const Candidate& candidate = candidates[static_cast<size_t>(best)];
      is_taken[static_cast<size_t>(best)] = 1;
      if (candidate.is_ignored) matches[d].ignored |= bit;
      if (candidate.has_id) matches[d].found |= bit;
    }
  }
}

void evaluate(Cell& cell, const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type) {
  std::stable_sort(cell.detections.begin(), cell.detections.end(),
                   [&](size_t a, size_t b) { return detections[a].score > detections[b].score; });
  if (cell.detections.size() > kMostDetections) cell.detections.resize(kMostDetections);
  for (const size_t d : cell.detections) cell.scores.push_back(detections[d].score);
  const std::vector<double> ious = ious_of(cell, truth, detections, type);
  for (int64_t area = 0; area < kCocoAreas; ++area) {
    const double* range = kAreas[area];
    const auto candidates = candidates_of(cell, truth, range);
    cell.counted[area] = std::count_if(candidates.begin(), candidates.end(), [](const auto& c) { return !c.is_ignored; });
    match(cell, area, candidates, ious);
    for (size_t i = 0; i < cell.detections.size(); ++i) {  // what found nothing and has another size does not count
      const double of = detections[cell.detections[i]].area;
      Match& m = cell.matches[area][i];
      if (of < range[0] || of > range[1]) m.ignored |= static_cast<uint16_t>(~m.found);
    }
  }
}

// Detections of one category and range of areas in order of falling score, whatever the limit per image.
struct Ranked {
  double score;
  int32_t place;  // in its image
  Match match;
};

// Precision at each recall level and the last recall, of one threshold.
void curve(const std::vector<Ranked>& ranked, int64_t limit, int64_t t, int64_t counted, std::vector<double>& recalls,
           std::vector<double>& precisions, std::span<double> at_levels, double& last_recall) {
  recalls.clear(), precisions.clear();
  double found = 0, wrong = 0;
  for (const Ranked& r : ranked) {
    if (r.place >= limit) continue;
    if ((r.match.ignored >> t & 1) == 0) ((r.match.found >> t & 1) != 0 ? found : wrong) += 1;
    recalls.push_back(found / static_cast<double>(counted));
    precisions.push_back(found / (wrong + found + std::numeric_limits<double>::epsilon()));
  }
  last_recall = recalls.empty() ? 0 : recalls.back();
  for (size_t i = precisions.size(); i-- > 1;) precisions[i - 1] = std::max(precisions[i - 1], precisions[i]);
  size_t i = 0;
  for (int64_t r = 0; r < kCocoRecalls; ++r) {
    while (i < recalls.size() && recalls[i] < recall_level(r)) ++i;
    at_levels[static_cast<size_t>(r)] = i < recalls.size() ? precisions[i] : 0;
  }
}

void accumulate(std::span<const Cell> cells, int64_t k, int64_t area, CocoResult& result) {
  int64_t counted = 0;
  std::vector<Ranked> ranked;
  for (const Cell& cell : cells) {
    counted += cell.counted[area];
    for (size_t i = 0; i < cell.scores.size(); ++i) ranked.push_back({cell.scores[i], static_cast<int32_t>(i), cell.matches[area][i]});
  }
  if (counted == 0) return;
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  std::vector<double> recalls, precisions, at_levels(kCocoRecalls);
  const int64_t categories = result.categories;
  for (int64_t m = 0; m < kCocoLimits; ++m) {
    for (int64_t t = 0; t < kCocoThresholds; ++t) {
      double& last = result.recall[static_cast<size_t>(((t * categories + k) * kCocoAreas + area) * kCocoLimits + m)];
      curve(ranked, kLimits[m], t, counted, recalls, precisions, at_levels, last);
      for (int64_t r = 0; r < kCocoRecalls; ++r)
        result.precision[static_cast<size_t>((((t * kCocoRecalls + r) * categories + k) * kCocoAreas + area) * kCocoLimits + m)] =
            at_levels[static_cast<size_t>(r)];
    }
  }
}

// NumPy's sum of a contiguous array: eight sums side by side in blocks of up to 128, halves above. Another order gives
// another last digit.
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

// The mean of what is there for thresholds t0 <= t < t1, one category or all (-1).
double mean_precision(const CocoResult& result, int64_t t0, int64_t t1, int64_t category, int64_t area, int64_t m) {
  std::vector<double> values;
  for (int64_t t = t0; t < t1; ++t)
    for (int64_t r = 0; r < kCocoRecalls; ++r)
      for (int64_t k = 0; k < result.categories; ++k) {
        if (category >= 0 && k != category) continue;
        const double p = result.precision[static_cast<size_t>((((t * kCocoRecalls + r) * result.categories + k) * kCocoAreas + area) * kCocoLimits + m)];
        if (p > -1) values.push_back(p);
      }
  return mean_or_none(values);
}

double mean_recall(const CocoResult& result, int64_t area, int64_t m) {
  std::vector<double> values;
  for (int64_t t = 0; t < kCocoThresholds; ++t)
    for (int64_t k = 0; k < result.categories; ++k) {
      const double r = result.recall[static_cast<size_t>(((t * result.categories + k) * kCocoAreas + area) * kCocoLimits + m)];
      if (r > -1) values.push_back(r);
    }
  return mean_or_none(values);
}

}  // namespace

const std::array<const char*, 12> kCocoStatNames = {"AP",  "AP50", "AP75", "APs",   "APm", "APl",
                                                    "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};

std::array<double, 12> CocoResult::stats() const {
  const int64_t all = kCocoThresholds;
  return {mean_precision(*this, 0, all, -1, 0, 2), mean_precision(*this, 0, 1, -1, 0, 2), mean_precision(*this, 5, 6, -1, 0, 2),
          mean_precision(*this, 0, all, -1, 1, 2), mean_precision(*this, 0, all, -1, 2, 2), mean_precision(*this, 0, all, -1, 3, 2),
          mean_recall(*this, 0, 0), mean_recall(*this, 0, 1), mean_recall(*this, 0, 2),
          mean_recall(*this, 1, 2), mean_recall(*this, 2, 2), mean_recall(*this, 3, 2)};
}

double CocoResult::ap_of_category(int64_t k) const { return mean_precision(*this, 0, kCocoThresholds, k, 0, 2); }

CocoResult evaluate_coco(const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type, int threads) {
  std::vector<Cell> cells = cells_of(truth, detections);
  parallel_for(static_cast<int64_t>(cells.size()), 32, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) evaluate(cells[static_cast<size_t>(i)], truth, detections, type);
  });
  CocoResult result;
  const auto categories = static_cast<int64_t>(truth.categories.size());
  result.categories = categories;
  result.precision.assign(static_cast<size_t>(kCocoThresholds * kCocoRecalls * categories * kCocoAreas * kCocoLimits), -1);
  result.recall.assign(static_cast<size_t>(kCocoThresholds * categories * kCocoAreas * kCocoLimits), -1);
  std::vector<std::span<const Cell>> of_category(static_cast<size_t>(categories));
  for (size_t begin = 0, end = 0; begin < cells.size(); begin = end) {
    while (end < cells.size() && cells[end].category == cells[begin].category) ++end;
    of_category[static_cast<size_t>(cells[begin].category)] = std::span<const Cell>(cells).subspan(begin, end - begin);
  }
  parallel_for(categories * kCocoAreas, 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) accumulate(of_category[static_cast<size_t>(i / kCocoAreas)], i / kCocoAreas, i % kCocoAreas, result);
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
                        is_precision ? "Precision  (AP)" : "Recall     (AR)", kIou[is_precision && i < 3 ? i : 0], kArea[area], limit, stats[i]);
  }
  return text;
}

}  // namespace boxseg
