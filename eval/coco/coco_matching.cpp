#include "eval/coco/coco_matching.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr size_t kMostDetections = 100;  // the limit for a category in an image
// COCOeval has 1e5^2 for "no limit"; both ends belong to a range.
constexpr double kAreas[kCocoAreas][2] = {{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};

double threshold(int64_t t) { return t == kCocoThresholds - 1 ? .95 : static_cast<double>(t) * ((.95 - .5) / 9) + .5; }

struct Key {
  int64_t category, image;
  double score;
  size_t index;
  bool same_cell(const Key& other) const { return category == other.category && image == other.image; }
};

bool is_before(const Key& a, const Key& b) {
  if (a.category != b.category) return a.category < b.category;
  if (a.image != b.image) return a.image < b.image;
  return a.score != b.score ? a.score > b.score : a.index < b.index;
}

std::vector<Key> sorted_keys(const std::vector<CocoObject>& objects) {
  std::vector<Key> keys;
  keys.reserve(objects.size());
  for (size_t i = 0; i < objects.size(); ++i)
    keys.push_back({objects[i].category, objects[i].image, objects[i].score, i});
  std::sort(keys.begin(), keys.end(), is_before);
  return keys;
}

CocoMatches table_of(const CocoTruth& truth, const std::vector<CocoObject>& detections, int threads) {
  std::vector<Key> keys[2];
  parallel_for(2, 1, threads, [&](int64_t i, int64_t) { keys[i] = sorted_keys(i == 0 ? truth.objects : detections); });
  const auto &t = keys[0], &d = keys[1];
  CocoMatches table;
  for (const Key& key : t) table.truths.push_back(key.index);
  for (const Key& key : d) table.detections.push_back(key.index);
  for (auto& matches : table.matches) matches.resize(d.size());
  for (size_t i = 0, j = 0; i < t.size() || j < d.size();) {
    const bool is_truth_next =
        j == d.size() || (i < t.size() && std::tie(t[i].category, t[i].image) <= std::tie(d[j].category, d[j].image));
    const Key& first = is_truth_next ? t[i] : d[j];
    CocoCell cell{first.category, i, 0, j, 0, {}};
    while (i < t.size() && t[i].same_cell(first)) ++i;
    while (j < d.size() && d[j].same_cell(first)) ++j;
    cell.truths = i - cell.first_truth;
    cell.detections = std::min(j - cell.first_detection, kMostDetections);
    table.cells.push_back(cell);
  }
  return table;
}

// Says what one truth is to the matching in one range of areas.
struct Candidate {
  size_t column;
  bool is_ignored, is_crowd, has_id;
};

// Fills the matches of cells; one per thread, for the memory that its steps share.
class Matcher {
 public:
  Matcher(CocoMatches& table, const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type)
      : table_(table), truths_(truth.objects), detections_(detections), type_(type) {}

  void run(CocoCell& cell) {
    compute_ious(cell);
    for (int64_t area = 0; area < kCocoAreas; ++area) {
      const double* range = kAreas[area];
      set_candidates(cell, range);
      cell.counted[area] =
          std::count_if(candidates_.begin(), candidates_.end(), [](const auto& c) { return !c.is_ignored; });
      const std::span<CocoMatch> matches(table_.matches[area].data() + cell.first_detection, cell.detections);
      if (!candidates_.empty()) match(matches);
      // A detection that found nothing and has another size does not count.
      for (size_t d = 0; d < matches.size(); ++d) {
        const double of = detection(cell, d).area;
        if (of < range[0] || of > range[1]) matches[d].ignored |= static_cast<uint16_t>(~matches[d].found);
      }
    }
  }

 private:
  const CocoObject& truth(const CocoCell& cell, size_t i) const { return truths_[table_.truths[cell.first_truth + i]]; }
  const CocoObject& detection(const CocoCell& cell, size_t i) const {
    return detections_[table_.detections[cell.first_detection + i]];
  }

  // Fills ious_[d * truths + t]; masks are compared only where their boxes meet.
  void compute_ious(const CocoCell& cell) {
    ious_.clear();
    for (size_t d = 0; d < cell.detections; ++d)
      for (size_t t = 0; t < cell.truths; ++t) {
        const CocoObject &a = detection(cell, d), &b = truth(cell, t);
        double iou = box_iou(a.box, b.box, b.is_crowd);
        if (type_ == CocoType::segm && iou > 0) iou = mask_iou(a.mask, b.mask, b.is_crowd);
        ious_.push_back(iou);
      }
  }

  void set_candidates(const CocoCell& cell, const double* range) {
    candidates_.clear();
    for (const bool is_ignored : {false, true})
      for (size_t i = 0; i < cell.truths; ++i) {
        const CocoObject& object = truth(cell, i);
        if ((object.is_crowd || object.area < range[0] || object.area > range[1]) == is_ignored)
          candidates_.push_back({i, is_ignored, object.is_crowd, object.has_id});
      }
  }

  // Each detection, the most certain first, takes the free truth that it covers best; one that counts goes before
  // ignored ones; crowds are never used up.
  void match(std::span<CocoMatch> matches) {
    for (int64_t t = 0; t < kCocoThresholds; ++t) {
      is_taken_.assign(candidates_.size(), 0);
      const double least = std::min(threshold(t), 1 - 1e-10);
      const auto bit = static_cast<uint16_t>(1 << t);
      for (size_t d = 0; d < matches.size(); ++d) {
        const int64_t best = best_of(std::span(ious_).subspan(d * candidates_.size(), candidates_.size()), least);
        if (best < 0) continue;
        const Candidate& candidate = candidates_[static_cast<size_t>(best)];
        is_taken_[static_cast<size_t>(best)] = 1;
        if (candidate.is_ignored) matches[d].ignored |= bit;
        if (candidate.has_id) matches[d].found |= bit;
      }
    }
  }

  int64_t best_of(std::span<const double> ious, double least) const {
    int64_t best = -1;
    for (size_t g = 0; g < candidates_.size(); ++g) {
      const Candidate& candidate = candidates_[g];
      if (is_taken_[g] != 0 && !candidate.is_crowd) continue;
      if (best >= 0 && !candidates_[static_cast<size_t>(best)].is_ignored && candidate.is_ignored) break;
      const double iou = ious[candidate.column];
      if (iou < least) continue;
      least = iou;
      best = static_cast<int64_t>(g);
    }
    return best;
  }

  CocoMatches& table_;
  const std::vector<CocoObject>&truths_, &detections_;
  CocoType type_;
  std::vector<double> ious_;
  std::vector<Candidate> candidates_;
  std::vector<uint8_t> is_taken_;
};

}  // namespace

CocoMatches match_coco(const CocoTruth& truth, const std::vector<CocoObject>& detections, CocoType type, int threads) {
  CocoMatches table = table_of(truth, detections, threads);
  parallel_for(static_cast<int64_t>(table.cells.size()), 256, threads, [&](int64_t begin, int64_t end) {
    Matcher matcher(table, truth, detections, type);
    for (int64_t i = begin; i < end; ++i) matcher.run(table.cells[static_cast<size_t>(i)]);
  });
  return table;
}

}  // namespace boxseg
