#include "common/pipeline/receipts.h"

#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/io/manifest.h"
#include "common/pipeline/digest_cache.h"
#include "common/pipeline/file_stamp.h"
#include "common/pipeline/fingerprints.h"

namespace boxseg {
namespace {

// NAME=LIST of [pipeline] splits. Lists are named as for `prepare voc`: a path, or a name below ImageSets/Segmentation.
std::string list_digest(const fs::path& root, const std::string& split) {
  const size_t equals = split.find('=');
  if (equals == std::string::npos) fail_usage("[pipeline] splits: '{}' is not of the form NAME=LIST", split);
  const std::string list = split.substr(equals + 1);
  const fs::path sets = root / "ImageSets" / "Segmentation";
  for (const fs::path& path : {fs::path(list), root / list, sets / list, sets / (list + ".txt")})
    if (fs::is_regular_file(path)) return DigestCache::shared().digest_of(path);
  return "-";
}

}  // namespace

Receipts::Receipts(const RunPlan& plan, const RunLayout& layout, const fs::path& dataset_root, const std::optional<Dataset>& dataset)
    : plan_(plan), layout_(layout), dataset_root_(dataset_root), dataset_(dataset) {}

std::string Receipts::why_stale(const std::string& node) {
  const fs::path path = layout_.receipt(node);
  if (!fs::exists(path)) return "it was not made yet";
  return trim(read_file(path)) == of(node) ? "" : "what it is made from changed";
}

void Receipts::record(const std::string& node) { write_file(layout_.receipt(node), of(node) + "\n"); }

std::string Receipts::of(const std::string& node) {
  if (node == "dataset") return of_dataset();
  if (node == "report") return of_report();
  if (node.starts_with("table/")) return of_table(node.substr(6));
  if (node.starts_with("evaluate/")) return of_evaluation(node.substr(9));
  if (const auto words = split(node, '/'); words.size() == 3 && words[0] == "server") return of_archive(words[1], words[2]);
  fail_usage("{}: no such piece of work keeps a receipt", node);
}

std::string Receipts::of_dataset() const {
  const auto& p = plan_.pipeline;
  Hasher hasher;
  hasher.text(kPrepareFingerprint).text(p.dataset).text(p.masks);
  for (const auto& split : p.splits) hasher.text(split);
  for (const auto& split : p.without_boxes) hasher.text("without boxes").text(split);
  if (p.dataset == "synthetic")
    for (const auto& [key, value] : plan_.dataset) hasher.text(key).text(value);
  for (const auto& split : p.splits) hasher.text(list_digest(dataset_root_, split));
  if (dataset_)
    for (const auto& image : dataset_->images) {
      hasher.text(stamp_of(dataset_root_ / image.path)).text(stamp_of(dataset_root_ / "Annotations" / (image.id + ".xml")));
      if (!image.mask_path.empty()) hasher.text(stamp_of(dataset_root_ / image.mask_path));
    }
  hasher.text(stamp_of(layout_.dataset()));
  return hasher.digest();
}

// Of the manifest of what was measured and the split's truth; and the metric must stand in metrics.json.
std::string Receipts::of_evaluation(const std::string& key) {
  if (!metrics_text_) metrics_text_ = fs::exists(layout_.metrics()) ? read_file(layout_.metrics()) : "";
  if (metrics_text_->find("\"" + key) == std::string::npos) return "not in metrics.json";
  if (!dataset_) fail("{} is not there yet", layout_.dataset().string());
  Hasher hasher;
  hasher.text(kEvaluateFingerprint).text(key).text(dataset_->digest(split_of_number(key), true));
  if (const fs::path folder = layout_.measured(key); !folder.empty())
    if (const auto manifest = try_read_manifest(folder / "manifest.h5")) hasher.text(manifest->digest());
  return hasher.digest();
}

std::string Receipts::of_archive(const std::string& variant, const std::string& mode) const {
  if (!dataset_) fail("{} is not there yet", layout_.dataset().string());
  const std::string& split = plan_.pipeline.test_split;
  Hasher hasher;
  hasher.text(kEvaluateFingerprint).text(dataset_->digest(split, false));
  if (const auto manifest = try_read_manifest(layout_.predictions(variant, split, mode) / "manifest.h5"))
    hasher.text(manifest->digest());
  hasher.text(stamp_of(layout_.server_archive(variant, mode)));
  return hasher.digest();
}

// Of the receipts and manifests of its own numbers alone: those of other tables come and go in the same metrics.json.
std::string Receipts::of_table(const std::string& name) const {
  const fs::path path = layout_.table(name);
  if (!fs::exists(path)) return "no table";
  Hasher hasher;
  hasher.text(kReportFingerprint).text(digest_of_file(path));
  for (const auto& key : read_table(path, {}).keys()) {
    const std::string maker = maker_of(key);
    hasher.text(maker);
    if (!key.is_time) hasher.text(fs::exists(layout_.receipt(maker)) ? read_file(layout_.receipt(maker)) : kNoFile);
    else if (const auto manifest = try_read_manifest(layout_.run / maker / "manifest.h5"))
      hasher.text(manifest->digest()).text(fmt::format("{}", manifest->wall_time_s));
  }
  for (const char* extension : {".md", ".csv", ".json", ".html", ".png"}) hasher.text(stamp_of(layout_.tables() / (name + extension)));
  return hasher.digest();
}

std::string Receipts::of_report() const {
  Hasher hasher;
  hasher.text(kReportFingerprint);
  if (fs::exists(layout_.metrics())) hasher.text(digest_of_file(layout_.metrics()));
  std::error_code ignored;
  std::set<fs::path> tables;
  for (const auto& entry : fs::directory_iterator(layout_.tables(), ignored))
    if (entry.path().extension() == ".txt") tables.insert(entry.path());
  for (const auto& table : tables) hasher.text(digest_of_file(table));
  for (const auto& folder : layout_.manifest_folders())
    if (const auto manifest = try_read_manifest(folder / "manifest.h5")) hasher.text(manifest->digest());
  hasher.text(stamp_of(layout_.report() / "index.html"));
  return hasher.digest();
}

}  // namespace boxseg
