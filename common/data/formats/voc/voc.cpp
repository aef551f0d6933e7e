#include "common/data/formats/voc/voc.h"

#include <algorithm>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/folder_names.h"
#include "common/data/formats/voc/voc_image.h"
#include "common/data/photograph.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

template <class Body>
void for_each_image(const char* what, size_t images, int threads, const Body& body) {
  Progress progress(what, static_cast<int64_t>(images));
  parallel_for(static_cast<int64_t>(images), 4, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      throw_if_interrupted();
      body(static_cast<size_t>(i));
    }
    progress.advance(end - begin);
  });
}

// The lists, merged: images in order of first appearance, splits as indices into them.
struct Merged {
  std::vector<Candidate> candidates;
  std::map<std::string, std::vector<int64_t>> splits;
  std::map<std::string, fs::path> lists;  // of each split
};

Merged read_lists(const VocOptions& options, const VocLayout& layout) {
  if (options.splits.empty()) fail_usage("--split is missing: name at least one, such as --split train=train");
  Merged merged;
  std::unordered_map<std::string, int64_t> index_of;
  for (const auto& [name, list] : options.splits) {
    if (name.empty() || merged.splits.count(name) > 0)
      fail_usage("--split {}={}: the split's name is empty or given twice", name, list);
    const bool has_voc_classes = options.class_names == voc_class_names();
    const fs::path path = merged.lists[name] =
        find_list(options.root, list, has_voc_classes ? options.known_lists : std::vector<KnownList>());
    const bool needs_boxes =
        std::find(options.without_boxes.begin(), options.without_boxes.end(), name) == options.without_boxes.end();
    auto& members = merged.splits[name];
    for (auto& image : read_image_list(path, [&](const std::string& id) { return !layout.images_of(id).empty(); })) {
      const auto [at, is_new] = index_of.emplace(image.id, static_cast<int64_t>(merged.candidates.size()));
      if (is_new) {
        Candidate candidate;
        candidate.entry.id = image.id;
        candidate.listed_at = fmt::format("{}:{}", path.string(), image.line);
        merged.candidates.push_back(std::move(candidate));
      }
      merged.candidates[static_cast<size_t>(at->second)].needs_boxes |= needs_boxes;
      members.push_back(at->second);
    }
  }
  for (const auto& name : options.without_boxes)
    if (merged.splits.count(name) == 0) fail_usage("--without-boxes {}: no --split has this name", name);
  return merged;
}

// The class that may be meant: one of other capitals or invisible characters first, then one of nearly the letters.
std::string nearest_class(const std::string& name, const std::vector<std::string>& classes) {
  for (const auto& known : classes)
    if (lower_case(trim(plain(name))) == lower_case(trim(plain(known)))) return known;
  for (const auto& known : classes)
    if (look_alike(name, known)) return known;
  return nearest(name, classes);
}

// Why a name that reads like a class's is none.
std::string difference(const std::string& name, const std::string& known) {
  const bool has_other_accents = lower_case(name) != lower_case(known) && look_alike(name, known);
  return has_other_accents ? ", whose accents are other bytes: é as one character, or as e and an accent" : "";
}

void refuse_unknown_classes(const std::vector<Candidate>& candidates, const VocOptions& options) {
  std::map<std::string, int64_t> unknown;
  std::string first;
  for (const auto& c : candidates)
    for (const auto& [name, count] : c.unknown_classes) {
      if (first.empty()) first = (options.root / kVocAnnotations / (c.entry.id + ".xml")).string();
      unknown[name] += count;
    }
  if (unknown.empty()) return;
  const std::vector<std::string> known(options.class_names.begin() + 1, options.class_names.end());
  std::vector<std::string> named;
  for (const auto& [name, count] : unknown) {
    const std::string close = nearest_class(name, known);
    named.push_back(
        fmt::format("'{}' ({} objects{})", visible(name), count,
                    close.empty() ? "" : fmt::format("; did you mean '{}'{}?", close, difference(name, close))));
  }
  fail_input("{}: unknown class {}; known: {}; name your classes with --classes FILE or --class-names a,b,c", first,
             join(named, ", "), join(known, ", "));
}

constexpr size_t kMostShown = 10;

void warn_of_each(const std::string& what, const std::vector<std::string>& all) {
  for (size_t i = 0; i < std::min(kMostShown, all.size()); ++i) log_warning("{}: {}", what, all[i]);
  if (all.size() > kMostShown) log_warning("{}: {} more, listed in the index", what, all.size() - kMostShown);
}

void refuse_or_skip(const std::vector<Candidate>& candidates, const VocOptions& options, VocReport& report) {
  for (const auto& c : candidates)
    if (!c.error.empty()) report.skipped.push_back(c.error);
  if (report.skipped.empty()) return;
  const auto& all = report.skipped;
  if (options.skips_bad_images) {
    warn_of_each("left out", all);
    if (all.size() == candidates.size()) fail_input("all {} images are bad; the first: {}", all.size(), all[0]);
    return;
  }
  for (size_t i = 1; i < std::min(kMostShown, all.size()); ++i) log_warning("{}", all[i]);
  const std::string more = all.size() == 1
                               ? ""
                               : fmt::format(" ({} of {} images are bad; --on-bad-image skip leaves them out)",
                                             all.size(), candidates.size());
  fail_input("{}{}", all[0], more);
}

// Moves the good images into the dataset and renumbers the splits.
void keep_good(Merged& merged, Dataset& dataset, VocReport& report) {
  std::vector<int64_t> index(merged.candidates.size(), -1);
  ClippedBoxes clipped;
  for (size_t i = 0; i < index.size(); ++i) {
    Candidate& c = merged.candidates[i];
    if (!c.error.empty()) continue;
    report.boxes += static_cast<int64_t>(c.entry.boxes.size());
    clipped.add(c.clipped);
    report.lost_boxes.insert(report.lost_boxes.end(), c.lost_boxes.begin(), c.lost_boxes.end());
    report.difficult_boxes +=
        std::count_if(c.entry.boxes.begin(), c.entry.boxes.end(), [](const Box& b) { return b.is_difficult; });
    report.images_without_boxes += c.entry.boxes.empty();
    report.images_with_mask += !c.entry.mask_path.empty();
    index[i] = static_cast<int64_t>(dataset.images.size());
    dataset.images.push_back(std::move(c.entry));
  }
  report.clipped_boxes = clipped.count;
  report.most_clipped_box = clipped.most;
  warn_of_each("a box is left out, so its object counts as background", report.lost_boxes);
  for (const auto& [name, members] : merged.splits)
    for (const int64_t i : members)
      if (const int64_t kept = index[static_cast<size_t>(i)]; kept >= 0) dataset.splits[name].push_back(kept);
  for (const auto& [name, members] : merged.splits)
    if (dataset.splits.count(name) == 0) fail_input("split '{}': all its {} images are bad", name, members.size());
}

// What a doubt says of one image, and of how many more it holds.
void look_at_images(const Merged& merged, VocReport& report) {
  std::map<std::string, std::pair<std::string, int64_t>> kinds;  // the first sentence, the number
  for (const auto& c : merged.candidates)
    if (c.error.empty())
      for (const auto& [kind, sentence] : c.doubts)
        if (auto& [first, count] = kinds[kind]; count++ == 0) first = sentence;
  for (const auto& [kind, about] : kinds)
    report.doubts.push_back(about.first +
                            (about.second > 1 ? fmt::format(" (so are {} more images)", about.second - 1) : ""));
}

// Where the folder of masks has none of the images, although it was named or stands at VOC's place.
void look_at_masks(const Dataset& dataset, const VocOptions& options, const VocChecks& checks, VocReport& report) {
  std::vector<std::string> with_boxes, all;
  for (const auto& image : dataset.images) {
    all.push_back(image.id);
    if (!image.boxes.empty()) with_boxes.push_back(image.id);
  }
  const std::string folder = report.mask_folder;
  if (!folder.empty() && report.images_with_mask == 0) {
    const std::string found = fmt::format("holds no ID.png or ID.mat of the {} images, such as {}.png: {}", all.size(),
                                          all[0], advice_on_masks(checks.layout, all));
    if (!options.masks.empty()) fail_input("--masks {}: {}", options.masks, found);
    if (!with_boxes.empty())  // else it is a test set, which has neither
      report.doubts.push_back(fmt::format("{} {}. Without masks nothing can be measured", folder, found));
  }
  const std::string masks = "the masks in " + folder;
  for (std::string& doubt : checks.labels.doubts(masks)) report.doubts.push_back(std::move(doubt));
}

// The splits as indexed, held against each other and against what is known of VOC's.
void look_at_splits(const Merged& merged, const Dataset& dataset, const VocOptions& options, VocReport& report) {
  const bool has_voc_classes = dataset.class_names == voc_class_names();
  const std::vector<KnownList> known = has_voc_classes ? options.known_lists : std::vector<KnownList>();
  for (const auto& [name, members] : dataset.splits) {
    // As long as its list: images left out are reported elsewhere.
    ListedSplit split{name, merged.lists.at(name), static_cast<int64_t>(merged.splits.at(name).size()), {}};
    if (std::string doubt = wrong_length(split, known); !doubt.empty()) report.doubts.push_back(std::move(doubt));
    split.images = static_cast<int64_t>(members.size());
    for (const int64_t i : members)
      if (const auto& image = dataset.images[static_cast<size_t>(i)]; image.mask_path.empty())
        split.without_mask.push_back(image.id);
    if (std::string doubt = missing_masks(split, report.mask_folder, known); !doubt.empty())
      report.doubts.push_back(std::move(doubt));
  }
  for (auto& doubt : shared_images(dataset)) report.doubts.push_back(std::move(doubt));
}

}  // namespace

Dataset index_voc(const VocOptions& given, VocReport& report) {
  VocOptions options = given;
  if (!is_folder(options.root)) fail_input("--root {}: no such folder", options.root.string());
  if (!is_folder(options.root / kVocImages))
    fail_input("--root {}: is no VOC folder: {} is missing (expected {}, {} and lists)", options.root.string(),
               kVocImages, kVocImages, kVocAnnotations);
  options.root = fs::absolute(options.root).lexically_normal();
  if (!options.root.has_filename()) options.root = options.root.parent_path();  // "VOC2012/"
  report = {};
  report.class_source = "given";
  if (options.class_names.empty()) {
    const fs::path own = options.root / "classes.txt";
    report.class_source = is_file(own) ? own.string() : "VOC's 21";
    options.class_names = is_file(own) ? read_class_list(own) : voc_class_names();
  }
  VocChecks checks(options.class_names, options.skips_bad_images, options.root,
                   find_masks(options.root, options.masks));
  report.mask_folder = checks.layout.masks.string();

  Merged merged = read_lists(options, checks.layout);
  for (const auto& c : merged.candidates) checks.ids.insert(c.entry.id);
  for_each_image("checking images", merged.candidates.size(), options.threads, [&](size_t i) {
    try {
      check_candidate(merged.candidates[i], checks);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      merged.candidates[i].error = e.what();
    }
  });
  refuse_unknown_classes(merged.candidates, options);
  refuse_or_skip(merged.candidates, options, report);

  Dataset dataset;
  dataset.name = "voc";
  dataset.root = options.root;
  dataset.class_names = options.class_names;
  dataset.palette = voc_palette();
  keep_good(merged, dataset, report);
  look_at_images(merged, report);
  look_at_masks(dataset, options, checks, report);
  look_at_splits(merged, dataset, options, report);
  return dataset;
}

std::vector<std::string> changed_files(const Dataset& dataset, int threads) {
  std::vector<std::string> faults(3 * dataset.images.size());
  const auto fault_of = [](const fs::path& path, const Digest& digest, ImageSize size = {}) -> std::string {
    try {
      const bool is_same = digest.empty() ? look_at_header(path).size == size : digest_of_file(path) == digest;
      return is_same ? "" : fmt::format("{}: changed since it was indexed; run prepare again", path.string());
    } catch (const Error& e) {
      return e.what();
    }
  };
  for_each_image("checking files", dataset.images.size(), threads, [&](size_t i) {
    const ImageEntry& entry = dataset.images[i];
    faults[3 * i] = fault_of(dataset.image_path(entry), entry.image_digest, entry.size);
    if (!entry.mask_path.empty()) faults[3 * i + 1] = fault_of(dataset.mask_path(entry), entry.mask_digest);
    if (entry.is_copy()) faults[3 * i + 2] = fault_of(dataset.photo_path(entry), entry.source_digest);
  });
  std::erase(faults, "");
  return faults;
}

}  // namespace boxseg
