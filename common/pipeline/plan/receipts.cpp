#include "common/pipeline/plan/receipts.h"

#include <atomic>
#include <set>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/io/manifest.h"
#include "common/pipeline/stage/digest_cache.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/staleness.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr const char* kNoFile = "-";

Digest digest_or_none(const fs::path& path) {
  return fs::is_regular_file(path) ? DigestCache::shared().digest_of(path) : kNoFile;
}

// NAME=LIST of [pipeline] splits. Lists are named as for `prepare voc`: a path, or a name below ImageSets/Segmentation.
Digest list_digest(const fs::path& root, const std::string& split) {
  const std::string list = NamedList(split).list;
  const fs::path sets = root / "ImageSets" / "Segmentation";
  for (const fs::path& path : {fs::path(list), root / list, sets / list, sets / (list + ".txt")})
    if (fs::is_regular_file(path)) return DigestCache::shared().digest_of(path);
  return kNoFile;
}

// All files below a folder, or the one file, by name and content.
void hash_files(const fs::path& path, Hasher& hasher) {
  std::set<fs::path> files;
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) files.insert(path);
  for (const auto& entry : fs::recursive_directory_iterator(path, ignored))
    if (entry.is_regular_file(ignored)) files.insert(entry.path());
  for (const auto& file : files)
    hasher.text(file.lexically_relative(path).string()).text(DigestCache::shared().digest_of(file));
}

// What review.csv and the masks are made from.
Digest digest_of_manifests(const std::vector<Manifest>& labels) {
  Hasher hasher;
  hasher.text(kEvaluateFingerprint).text(kPrepareFingerprint);
  for (const Manifest& manifest : labels) hasher.text(manifest.digest());
  return hasher.digest();
}

Digest digest_of_review(const RunLayout& layout) { return Hasher().text(digest_or_none(layout.review())).digest(); }

std::vector<fs::path> table_files(const RunLayout& layout, const std::string& name) {
  std::vector<fs::path> files;
  for (const char* extension : {".md", ".csv", ".json", ".html", ".png"})
    files.push_back(layout.tables() / (name + extension));
  return files;
}

}  // namespace

Receipts::Receipts(const RunPlan& plan, const RunLayout& layout, const RunSources& sources,
                   const std::optional<Dataset>& dataset)
    : plan_(plan), layout_(layout), sources_(sources), dataset_(dataset) {}

std::optional<Receipts::Receipt> Receipts::read(const RunLayout& layout, const Work& work) {
  const fs::path path = layout.receipt(work.name());
  if (!fs::exists(path)) return std::nullopt;
  const auto words = split(trim(read_file(path)), ' ');
  if (words.size() != 2) return Receipt{};  // of an earlier version, or damaged: like nothing that is
  return Receipt{words[0], words[1]};
}

std::string Receipts::why_stale(const Work& work) {
  const auto receipt = read(layout_, work);
  if (!receipt) return kNotMade;
  return receipt->from == from(work) ? why_damaged(work) : "what it is made from changed";
}

std::string Receipts::why_damaged(const Work& work) {
  const auto receipt = read(layout_, work);
  if (!receipt || receipt->made == made(work)) return "";
  if (work.kind == WorkKind::dataset) return "dataset.h5 is not what was made";
  if (work.kind == WorkKind::evaluate) return "its numbers in metrics.json are not what was made";
  return "its files are not what was made";
}

void Receipts::record(const Work& work) {
  write_file(layout_.receipt(work.name()), fmt::format("{} {}\n", from(work), made(work)));
}

bool Receipts::has_review_of(const RunLayout& layout, const std::vector<Manifest>& labels) {
  const auto receipt = read(layout, Work{WorkKind::review, ""});
  return receipt && receipt->from == digest_of_manifests(labels) && receipt->made == digest_of_review(layout);
}

Digest Receipts::from(const Work& work) {
  switch (work.kind) {
    case WorkKind::dataset:
      return dataset_from();
    case WorkKind::given:
      return given_masks_from();
    case WorkKind::evaluate:
      return evaluation_from(work.subject);
    case WorkKind::server:
      return archive_from(work.words()[0], work.words()[1]);
    case WorkKind::table:
      return table_from(work.subject);
    case WorkKind::report:
      return report_from();
    case WorkKind::review:
    case WorkKind::masks:
      return digest_of_manifests(labels());
    default:
      fail_usage("{}: keeps a manifest, and no receipt", work.name());
  }
}

Digest Receipts::made(const Work& work) {
  Hasher hasher;
  switch (work.kind) {
    case WorkKind::dataset:
      hasher.text(digest_or_none(layout_.dataset()));
      break;
    case WorkKind::given:
      return given_masks_made();
    case WorkKind::evaluate: {
      const Metrics numbers = numbers_of(metrics(), work.subject);
      if (numbers.empty()) return kNoFile;
      for (const auto& [name, value] : numbers) hasher.text(name).text(value.dump());
      break;
    }
    case WorkKind::server:
      hasher.text(digest_or_none(layout_.server_archive(work.words()[0], work.words()[1])));
      break;
    case WorkKind::table:
      for (const auto& file : table_files(layout_, work.subject)) hasher.text(digest_or_none(file));
      break;
    case WorkKind::review:
      return digest_of_review(layout_);
    case WorkKind::masks:
      hash_files(layout_.masks(), hasher);
      break;
    default:
      hasher.text(digest_or_none(layout_.report() / "index.html"));
  }
  return hasher.digest();
}

const Metrics& Receipts::metrics() {
  if (!metrics_) {
    try {
      metrics_ = read_metrics(layout_.metrics());
    } catch (const Error&) {
      metrics_.emplace();
    }
  }
  return *metrics_;
}

Digest Receipts::dataset_from() const {
  const auto& p = plan_.pipeline;
  Hasher hasher;
  hasher.text(kPrepareFingerprint).text(p.dataset).text(p.masks);
  for (const auto& split : p.splits) hasher.text(split);
  for (const auto& split : p.without_boxes) hasher.text("without boxes").text(split);
  if (p.dataset != "voc")
    for (const auto& [key, value] : plan_.dataset) hasher.text(key).text(value);
  if (p.dataset == "coco") return coco_from(std::move(hasher));
  for (const auto& split : p.splits) hasher.text(list_digest(sources_.root, split));
  if (p.dataset == "boxes") hash_files(sources_.boxes, hasher);
  if (!dataset_) return hasher.digest();
  const fs::path root = fs::absolute(sources_.root), annotations = root / "Annotations";
  for (const auto& image : dataset_->images) {
    hasher.text(digest_or_none(root / image.path)).text(digest_or_none(annotations / (image.id + ".xml")));
    if (!image.mask_path.empty()) hasher.text(digest_or_none(root / image.mask_path));
    if (image.is_copy()) hasher.text(digest_or_none(root / image.source_path));
  }
  return hasher.digest();
}

// Photographs of COCO are told by their annotations alone: there are too many to read each again. Of the masks, which
// come from the annotations, it is enough that none was lost.
Digest Receipts::coco_from(Hasher hasher) const {
  for (const auto& split : plan_.pipeline.splits)
    hasher.text(digest_or_none(sources_.coco.annotations(NamedList(split).list)));
  if (!dataset_) return hasher.digest();
  constexpr int64_t kGrain = 2048;
  std::atomic<int64_t> lost = 0;
  const auto& images = dataset_->images;
  parallel_for(static_cast<int64_t>(images.size()), kGrain, hardware_threads(), [&](int64_t begin, int64_t end) {
    std::error_code ignored;
    for (int64_t i = begin; i < end; ++i)
      if (const auto& mask = images[static_cast<size_t>(i)].mask_path; !mask.empty())
        lost += !fs::is_regular_file(sources_.root / mask, ignored);
  });
  return hasher.number(int64_t{lost}).digest();
}

// The index tells which images there are, and what the annotations call them.
Digest Receipts::given_masks_from() const {
  Hasher hasher;
  hasher.text(kPrepareFingerprint).text(digest_or_none(layout_.dataset()));
  if (const auto rule = plan_.dataset.find("on-bad-image"); rule != plan_.dataset.end()) hasher.text(rule->second);
  hash_files(sources_.masks, hasher);
  return hasher.digest();
}

// Its files are looked at by their sizes alone, as those of a stage are.
Digest Receipts::given_masks_made() const {
  const auto manifest = try_read_manifest(layout_.given_masks() / "manifest.h5");
  if (!manifest) return kNoFile;
  for (const auto& output : manifest->outputs) {
    std::error_code error;
    const auto size = fs::file_size(layout_.given_masks() / output.path, error);
    if (error || static_cast<int64_t>(size) != output.size_bytes) return kNoFile;
  }
  return manifest->digest();
}

const std::optional<Digest>& Receipts::digest_of_manifest(const fs::path& folder) const {
  const auto [place, is_new] = digests_.emplace(folder, std::nullopt);
  if (is_new)
    if (const auto manifest = try_read_manifest(folder / "manifest.h5")) place->second = manifest->digest();
  return place->second;
}

// Of the manifest of what was measured and the split's truth.
Digest Receipts::evaluation_from(const std::string& key) const {
  if (!dataset_) fail("{} is not there yet", layout_.dataset().string());
  Hasher hasher;
  hasher.text(kEvaluateFingerprint).text(key).text(dataset_->digest(split_of_number(key), true));
  if (const fs::path folder = layout_.measured(key); !folder.empty())
    if (const auto& digest = digest_of_manifest(folder)) hasher.text(*digest);
  if (is_of_coco_masks(key))
    hasher.text(digest_or_none(sources_.coco.annotations(list_of(plan_.pipeline.splits, split_of_number(key)))));
  return hasher.digest();
}

Digest Receipts::archive_from(const std::string& variant, const std::string& mode) const {
  if (!dataset_) fail("{} is not there yet", layout_.dataset().string());
  const std::string& split = plan_.pipeline.test_split;
  Hasher hasher;
  hasher.text(kEvaluateFingerprint).text(dataset_->digest(split, false));
  if (const auto& digest = digest_of_manifest(layout_.predictions(variant, split, mode))) hasher.text(*digest);
  return hasher.digest();
}

// Of the receipts and manifests of its own numbers alone: those of other tables come and go in the same metrics.json.
Digest Receipts::table_from(const std::string& name) const {
  const fs::path path = layout_.table(name);
  if (!fs::exists(path)) return kNoFile;
  Hasher hasher;
  hasher.text(kReportFingerprint).text(digest_of_file(path));
  for (const auto& key : read_table(path, {}).keys()) {
    const std::string maker = maker_of(key);
    hasher.text(maker);
    if (!key.is_time())
      hasher.text(fs::exists(layout_.receipt(maker)) ? read_file(layout_.receipt(maker)) : kNoFile);
    else if (const auto manifest = try_read_manifest(layout_.run / maker / "manifest.h5"))
      hasher.text(manifest->digest()).text(fmt::format("{}", manifest->wall_time_s));
  }
  return hasher.digest();
}

std::vector<Manifest> Receipts::labels() const {
  std::vector<Manifest> manifests;
  for (const auto& variant : plan_.pipeline.stage2)
    if (auto manifest = try_read_manifest(layout_.stage2(variant, plan_.pipeline.train_split) / "manifest.h5"))
      manifests.push_back(*std::move(manifest));
  return manifests;
}

Digest Receipts::report_from() const {
  Hasher hasher;
  hasher.text(kReportFingerprint).text(digest_or_none(layout_.metrics()));
  std::error_code ignored;
  std::set<fs::path> tables;
  for (const auto& entry : fs::directory_iterator(layout_.tables(), ignored))
    if (entry.path().extension() == ".txt") tables.insert(entry.path());
  for (const auto& table : tables) hasher.text(digest_of_file(table));
  if (const RunLayout coco{layout_.on_coco()}; fs::exists(coco.metrics())) hasher.text(digest_of_file(coco.metrics()));
  for (const auto& folder : layout_.manifest_folders())
    if (const auto& digest = digest_of_manifest(folder)) hasher.text(*digest);
  return hasher.digest();
}

}  // namespace boxseg
