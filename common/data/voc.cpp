#include "common/data/voc.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/parallel.h"
#include "common/base/text.h"
#include "common/io/image_container.h"
#include "common/io/mask.h"

namespace boxseg {
namespace {

constexpr const char* kImages = "JPEGImages";
constexpr const char* kAnnotations = "Annotations";

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

fs::path with_suffix(fs::path path, const std::string& suffix) { return path += suffix; }

// Relative to the root, "" when there is none.
std::string find_image(const fs::path& root, const std::string& id) {
  for (const char* suffix : {".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".bmp", ".webp", ".tif", ".tiff"}) {
    const fs::path path = with_suffix(fs::path(kImages) / id, suffix);
    if (is_file(root / path)) return path.string();
  }
  return "";
}

// Label PNG or .mat of SBD, relative to the root, "" when there is none.
std::string find_mask(const fs::path& root, const fs::path& masks, const std::string& id) {
  for (const char* suffix : {".png", ".mat"}) {
    const fs::path path = with_suffix(masks / id, suffix);
    if (is_file(root / path)) return path.string();
  }
  return "";
}

fs::path find_list(const VocOptions& options, const std::string& list) {
  const fs::path& root = options.root;
  const fs::path folder = root / "ImageSets" / "Segmentation";
  for (const fs::path& path : {fs::path(list), root / list, folder / list, folder / (list + ".txt")})
    if (is_file(path)) return path;
  const bool has_voc_classes = options.class_names == voc_class_names();
  fail_input("list '{}': no such file here, in {} or in {}{}", list, root.string(), folder.string(),
             advice_on_missing_list(list, folder, has_voc_classes ? options.known_lists : std::vector<KnownList>()));
}

fs::path find_masks(const VocOptions& options) {
  if (options.masks == "none") return {};
  if (options.masks.empty()) {
    for (const char* name : {"SegmentationClassAug", "SegmentationClass"})
      if (is_folder(options.root / name)) return name;
    return {};
  }
  if (fs::path(options.masks).is_relative() && is_folder(options.root / options.masks))
    return fs::path(options.masks).lexically_normal();
  if (is_folder(options.masks)) {  // below the root after all? then the index may move with it
    const fs::path absolute = fs::absolute(options.masks).lexically_normal();
    const fs::path relative = absolute.lexically_relative(fs::absolute(options.root).lexically_normal());
    return is_inside(relative) ? relative : absolute;
  }
  fail_input("--masks {}: no such folder here or in {}", options.masks, options.root.string());
}

// An image on its way through the checks.
struct Candidate {
  ImageEntry entry;
  std::string listed_at;  // "LIST:LINE"
  bool needs_boxes = false;
  int64_t clipped = 0;
  bool is_turned = false;  // upright, as its EXIF says
  std::map<std::string, int64_t> unknown_classes;
  std::string error;
};

// The numbers of VOC's convention that lie in the image are 1..n.
bool clip(float& low, float& high, int64_t n) {
  const float end = static_cast<float>(n);
  const bool is_outside = low < 1 || high > end;
  low = std::max(low, 1.0f);
  high = std::min(high, end);
  return is_outside;
}

void take_boxes(Candidate& candidate, std::vector<Box> boxes, const fs::path& annotation, ImageSize size) {
  for (size_t i = 0; i < boxes.size(); ++i) {
    Box& b = boxes[i];
    const Box annotated = b;
    const bool is_cut_x = clip(b.x0, b.x1, size.width), is_cut_y = clip(b.y0, b.y1, size.height);
    if (b.x0 >= b.x1 || b.y0 >= b.y1)
      fail_input(
          "{}: object {}: box ({}, {}, {}, {}) lies outside the image of {}x{} pixels; correct it, or leave the image "
          "out "
          "of the list",
          annotation.string(), i + 1, annotated.x0, annotated.y0, annotated.x1, annotated.y1, size.width, size.height);
    candidate.clipped += is_cut_x || is_cut_y;
  }
  candidate.entry.boxes = std::move(boxes);
}

void check_mask(ImageEntry& entry, const fs::path& root, size_t classes) {
  const fs::path path = root / entry.mask_path;
  const LabelMap mask = read_mask(path);
  if (mask.height != entry.size.height || mask.width != entry.size.width)
    fail_input("{}: the mask has {}x{} pixels, its image {} has {}x{}; is it of another image?{}", path.string(),
               mask.width, mask.height, entry.path, entry.size.width, entry.size.height,
               reason_of_exchanged_sides({mask.height, mask.width}, entry.size));
  for (const uint8_t value : mask.pixels)
    if (value >= classes && value != 255)
      fail_input(
          "{}: the mask holds the value {}, but there are {} classes with background (and 255, void); is the class "
          "list "
          "the right one?",
          path.string(), value, classes);
  entry.mask_digest = digest_of_file(path);
}

// Decodes it: what is accepted here, no stage refuses hours later.
void take_photograph(Candidate& candidate, const fs::path& path) {
  const std::string bytes = read_file(path);
  const RgbImage image = decode_rgb(path, bytes);
  candidate.entry.size = {image.height, image.width};
  candidate.entry.image_digest = digest_of(bytes);
  candidate.is_turned = orientation_of_image(bytes) != Orientation::upright;
}

void check_candidate(Candidate& candidate, const VocOptions& options, const fs::path& masks) {
  ImageEntry& entry = candidate.entry;
  entry.path = find_image(options.root, entry.id);
  if (entry.path.empty())
    fail_input("{}: image '{}' is absent: no {}/{}.jpg (.jpeg, .png, ...) in {}; fetch it, or remove the line",
               candidate.listed_at, entry.id, kImages, entry.id, options.root.string());
  const fs::path image = options.root / entry.path;
  take_photograph(candidate, image);
  const fs::path annotation = options.root / kAnnotations / (entry.id + ".xml");
  if (candidate.needs_boxes || is_file(annotation)) {
    VocAnnotation a = read_voc_annotation(annotation, options.class_names);
    if (a.size != entry.size)
      fail_input(
          "{}: <size> says {}x{}, but {} has {}x{} pixels; is the annotation of another image, or was the image "
          "rotated "
          "or resized?{}",
          annotation.string(), a.size.width, a.size.height, entry.path, entry.size.width, entry.size.height,
          reason_of_exchanged_sides(a.size, entry.size));
    candidate.unknown_classes = std::move(a.unknown_classes);
    take_boxes(candidate, std::move(a.boxes), annotation, entry.size);
  }
  if (!masks.empty()) entry.mask_path = find_mask(options.root, masks, entry.id);
  if (!entry.mask_path.empty()) check_mask(entry, options.root, options.class_names.size());
}

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

Merged read_lists(const VocOptions& options) {
  if (options.splits.empty()) fail_usage("--split is missing: name at least one, such as --split train=train");
  Merged merged;
  std::unordered_map<std::string, int64_t> index_of;
  for (const auto& [name, list] : options.splits) {
    if (name.empty() || merged.splits.count(name) > 0)
      fail_usage("--split {}={}: the split's name is empty or given twice", name, list);
    const fs::path path = merged.lists[name] = find_list(options, list);
    const bool needs_boxes =
        std::find(options.without_boxes.begin(), options.without_boxes.end(), name) == options.without_boxes.end();
    auto& members = merged.splits[name];
    for (auto& image :
         read_image_list(path, [&](const std::string& id) { return !find_image(options.root, id).empty(); })) {
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

void refuse_unknown_classes(const std::vector<Candidate>& candidates, const VocOptions& options) {
  std::map<std::string, int64_t> unknown;
  std::string first;
  for (const auto& c : candidates)
    for (const auto& [name, count] : c.unknown_classes) {
      if (first.empty()) first = (options.root / kAnnotations / (c.entry.id + ".xml")).string();
      unknown[name] += count;
    }
  if (unknown.empty()) return;
  std::vector<std::string> named;
  for (const auto& [name, count] : unknown) {
    const std::string close = nearest(name, options.class_names);
    named.push_back(fmt::format("'{}' ({} objects{})", name, count,
                                close.empty() ? "" : fmt::format("; did you mean '{}'?", close)));
  }
  const std::vector<std::string> known(options.class_names.begin() + 1, options.class_names.end());
  fail_input("{}: unknown class {}; known: {}; name your classes with --classes FILE or --class-names a,b,c", first,
             join(named, ", "), join(known, ", "));
}

void refuse_or_skip(const std::vector<Candidate>& candidates, const VocOptions& options, VocReport& report) {
  for (const auto& c : candidates)
    if (!c.error.empty()) report.skipped.push_back(c.error);
  if (report.skipped.empty()) return;
  constexpr size_t kShown = 10;
  const auto& all = report.skipped;
  if (options.skips_bad_images) {
    for (size_t i = 0; i < std::min(kShown, all.size()); ++i) log_warning("left out: {}", all[i]);
    if (all.size() > kShown) log_warning("left out: {} more, listed in the index", all.size() - kShown);
    if (all.size() == candidates.size()) fail_input("all {} images are bad; the first: {}", all.size(), all[0]);
    return;
  }
  for (size_t i = 1; i < std::min(kShown, all.size()); ++i) log_warning("{}", all[i]);
  const std::string more = all.size() == 1
                               ? ""
                               : fmt::format(" ({} of {} images are bad; --on-bad-image skip leaves them out)",
                                             all.size(), candidates.size());
  fail_input("{}{}", all[0], more);
}

// Moves the good images into the dataset and renumbers the splits.
void keep_good(Merged& merged, Dataset& dataset, VocReport& report) {
  std::vector<int64_t> index(merged.candidates.size(), -1);
  int64_t turned = 0;
  std::string first_turned;
  for (size_t i = 0; i < index.size(); ++i) {
    Candidate& c = merged.candidates[i];
    if (!c.error.empty()) continue;
    report.boxes += static_cast<int64_t>(c.entry.boxes.size());
    report.clipped_boxes += c.clipped;
    report.difficult_boxes +=
        std::count_if(c.entry.boxes.begin(), c.entry.boxes.end(), [](const Box& b) { return b.is_difficult; });
    report.images_without_boxes += c.entry.boxes.empty();
    report.images_with_mask += !c.entry.mask_path.empty();
    if (c.is_turned && turned++ == 0) first_turned = c.entry.path;
    index[i] = static_cast<int64_t>(dataset.images.size());
    dataset.images.push_back(std::move(c.entry));
  }
  if (turned > 0)
    report.doubts.push_back(
        fmt::format("{} of {} photographs are turned upright as their EXIF orientation says (the first: {}); boxes and "
                    "masks are taken to be those of the upright ones",
                    turned, dataset.images.size(), first_turned));
  for (const auto& [name, members] : merged.splits)
    for (const int64_t i : members)
      if (const int64_t kept = index[static_cast<size_t>(i)]; kept >= 0) dataset.splits[name].push_back(kept);
  for (const auto& [name, members] : merged.splits)
    if (dataset.splits.count(name) == 0) fail_input("split '{}': all its {} images are bad", name, members.size());
}

// The splits as indexed, held against what is known of VOC's.
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
}

}  // namespace

Dataset index_voc(const VocOptions& given, VocReport& report) {
  VocOptions options = given;
  if (!is_folder(options.root)) fail_input("--root {}: no such folder", options.root.string());
  if (!is_folder(options.root / kImages))
    fail_input("--root {}: is no VOC folder: {} is missing (expected {}, {} and lists)", options.root.string(), kImages,
               kImages, kAnnotations);
  options.root = fs::absolute(options.root).lexically_normal();
  if (!options.root.has_filename()) options.root = options.root.parent_path();  // "VOC2012/"
  report = {};
  report.class_source = "given";
  if (options.class_names.empty()) {
    const fs::path own = options.root / "classes.txt";
    report.class_source = is_file(own) ? own.string() : "VOC's 21";
    options.class_names = is_file(own) ? read_class_list(own) : voc_class_names();
  }
  const fs::path masks = find_masks(options);
  report.mask_folder = masks.string();

  Merged merged = read_lists(options);
  for_each_image("checking images", merged.candidates.size(), options.threads, [&](size_t i) {
    try {
      check_candidate(merged.candidates[i], options, masks);
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
  look_at_splits(merged, dataset, options, report);
  return dataset;
}

std::vector<std::string> changed_files(const Dataset& dataset, int threads) {
  std::vector<std::string> faults(2 * dataset.images.size());
  const auto fault_of = [](const fs::path& path, const Digest& digest) -> std::string {
    try {
      return digest_of_file(path) == digest
                 ? ""
                 : fmt::format("{}: changed since it was indexed; run prepare again", path.string());
    } catch (const Error& e) {
      return e.what();
    }
  };
  for_each_image("checking files", dataset.images.size(), threads, [&](size_t i) {
    const ImageEntry& entry = dataset.images[i];
    faults[2 * i] = fault_of(dataset.image_path(entry), entry.image_digest);
    if (!entry.mask_path.empty()) faults[2 * i + 1] = fault_of(dataset.mask_path(entry), entry.mask_digest);
  });
  std::erase(faults, "");
  return faults;
}

}  // namespace boxseg
