#include "common/pipeline/plan/costs.h"

#include "common/pipeline/plan/variant_name.h"

namespace boxseg {
namespace {

// The first word of all of these is a variant.
bool is_counted(WorkKind kind) {
  return kind == WorkKind::stage1 || kind == WorkKind::stage2 || kind == WorkKind::stage3 || kind == WorkKind::predict;
}

bool has_second_network(const Work& work) { return parse_variant(work.words()[0]).has_second_network; }

// Labels of one split are like those of the same split, and networks like those of the same backbone.
bool are_alike(const Work& a, const Work& b) {
  if (a.kind != b.kind || has_second_network(a) != has_second_network(b)) return false;
  const auto words = a.words(), others = b.words();
  return std::vector<std::string>(words.begin() + 1, words.end()) ==
         std::vector<std::string>(others.begin() + 1, others.end());
}

// Hours of Table 2; 0 for what it does not have.
double hours_of_report(const Work& work, PublishedTimes published) {
  if (published == PublishedTimes::none) return 0;
  const bool is_second = has_second_network(work), is_nal = work.words()[0].starts_with("nal");
  if (work.kind == WorkKind::stage1) return 2.5;
  if (work.kind == WorkKind::stage2) return published == PublishedTimes::coco ? 54 : 0.5;
  if (work.kind != WorkKind::stage3) return 0;
  return is_nal ? (is_second ? 12 : 10.5) : (is_second ? 7.5 : 7);
}

}  // namespace

PublishedTimes published_times(const std::string& preset) {
  return preset.starts_with("voc2012")    ? PublishedTimes::voc
         : preset.starts_with("coco2017") ? PublishedTimes::coco
                                          : PublishedTimes::none;
}

std::optional<Cost> cost_of(const Node& node, const std::vector<Node>& all, PublishedTimes published) {
  if (!is_counted(node.work.kind)) return std::nullopt;
  if (node.took_s) return Cost{*node.took_s, node.reason.empty() ? "" : "as before"};
  if (node.reason.empty()) return std::nullopt;
  double sum = 0;
  int64_t count = 0;
  std::string like;
  for (const auto& other : all)
    if (other.took_s && other.reason.empty() && are_alike(other.work, node.work)) {
      sum += *other.took_s;
      like = ++count == 1 ? other.name : fmt::format("{} like it", count);
    }
  if (count > 0) return Cost{sum / static_cast<double>(count), "as " + like + " here"};
  const double hours = hours_of_report(node.work, published);
  return hours > 0 ? std::optional(Cost{3600 * hours, "in the report"}) : std::nullopt;
}

}  // namespace boxseg
