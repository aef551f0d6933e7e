#include "common/data/formats/coco/coco_dataset.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/bad_images.h"
#include "common/data/class_list.h"
#include "common/data/formats/coco/coco_boxes.h"
#include "common/data/formats/coco/missing_photos.h"
#include "common/data/outlined_mask.h"
#include "common/data/photo_folder.h"
#include "common/data/photograph.h"
#include "common/data/placed_boxes.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

struct Candidate : IncomingImage {
  bool is_grey = false, is_missing = false, lacks_outlines = false;
};

// The folder that holds all folders of images, directly or below.
fs::path root_of(const std::vector<CocoSplit>& splits) {
  std::optional<fs::path> root;
  for (const CocoSplit& split : splits) {
    fs::path folder = fs::absolute(split.images).lexically_normal();
    if (!folder.has_filename()) folder = folder.parent_path();  // "train2017/"
    if (!root) root = folder;
    fs::path shared;
    for (auto a = root->begin(), b = folder.begin(); a != root->end() && b != folder.end() && *a == *b; ++a, ++b)
      shared /= *a;
    root = shared;
  }
  return *root;
}

// A file of annotations and its folder of photographs.
class Part {
 public:
  Part(const CocoSplit& split, const fs::path& root, const CocoDatasetOptions& options)
      : split_(split),
        options_(options),
        below_root_(fs::absolute(split.images).lexically_normal().lexically_relative(root)),
        masks_from_root_(as_seen_from(root, options.masks)),
        annotations_(read_coco_boxes(split.annotations, options.threads, !options.masks.empty())),
        class_names_(with_background(annotations_.class_names, split.annotations.string())) {
    for (size_t c = 1; c < class_names_.size(); ++c) class_of_[class_names_[c]] = static_cast<int64_t>(c);
  }

  const std::vector<std::string>& class_names() const { return class_names_; }
  const std::vector<std::string>& class_ids() const { return annotations_.class_ids; }

  // Adds the images that stay to the dataset. `taken`: ids of images -> the file that has them.
  void index(Dataset& dataset, std::unordered_map<std::string, fs::path>& taken, CocoDatasetReport& report) {
    refuse_bad_boxes(report);
    for_each_image(options_.looks_at_images ? "look at" : "index", [this](Candidate& c) { look_at(c); });
    refuse_missing();
    claim_ids(taken);
    if (!options_.masks.empty()) {
      if (!options_.skips_bad_images) refuse_bad_images();  // before anything is written
      for_each_image("draw masks of", [this](Candidate& c) {
        if (stays(c)) write_mask(c);
      });
    }
    const auto bad = refuse_bad_images();
    report.skipped.insert(report.skipped.end(), bad.begin(), bad.end());
    collect(dataset, report);
  }

 private:
  void refuse_bad_boxes(CocoDatasetReport& report) const {
    const auto& bad = annotations_.bad_boxes;
    if (bad.empty()) return;
    if (!options_.skips_bad_images)
      fail_input("{} ({} such boxes; --on-bad-image skip leaves them out)", bad[0], bad.size());
    report.lost_boxes.insert(report.lost_boxes.end(), bad.begin(), bad.end());
  }

  template <class Use>
  void for_each_image(const char* what, const Use& use) {
    candidates_.resize(annotations_.images.size());
    Progress progress(fmt::format("{} images of {}", what, split_.name), static_cast<int64_t>(candidates_.size()));
    parallel_for(static_cast<int64_t>(candidates_.size()), 16, options_.threads, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        throw_if_interrupted();
        candidates_[i].annotated = &annotations_.images[i];
        if (const std::string fault = fault_of([&] { use(candidates_[i]); }); !fault.empty())
          candidates_[i].error = fault;
      }
      progress.advance(end - begin);
    });
  }

  bool stays(const Candidate& c) const {
    return c.error.empty() && !(options_.skips_grayscale && c.is_grey) &&
           !(options_.skips_unannotated && c.entry.boxes.empty());
  }

  void look_at(Candidate& candidate) const {
    const AnnotatedImage& annotated = *candidate.annotated;
    ImageEntry& entry = candidate.entry;
    const fs::path name = fs::path(annotated.name).lexically_normal();
    if (!is_inside(name) || *name.begin() == "." || !name.has_filename())
      fail_input("{}: 'file_name' {} is no path below the folder of images", annotated.file.string(),
                 visible(annotated.name));
    entry.id = coco_image_id(name.string());
    entry.path = (below_root_ / name).lexically_normal().string();
    entry.source_id = annotated.id;
    entry.size = size_of(candidate, split_.images / name);
    take_boxes(candidate);
  }

  ImageSize size_of(Candidate& candidate, const fs::path& photo) const {
    const AnnotatedImage& annotated = *candidate.annotated;
    if (!options_.looks_at_images) {
      if (annotated.size == ImageSize{})
        fail_input("{}: image '{}' has no 'height' and 'width'; without --no-image-check they are the photograph's",
                   annotated.file.string(), visible(annotated.name));
      return annotated.size;
    }
    PhotographHeader header;
    try {
      header = look_at_header(photo);
    } catch (const Error&) {
      std::error_code ignored;
      candidate.is_missing = !fs::exists(photo, ignored);
      if (candidate.is_missing)
        fail_input("{}: image '{}' is not in {}", annotated.file.string(), visible(annotated.name),
                   split_.images.string());
      throw;
    }
    require_annotated_size(annotated, photo.string(), header.size);
    candidate.is_grey = header.is_grey;
    return header.size;
  }

  void take_boxes(Candidate& candidate) const {
    const auto& annotated = candidate.annotated->boxes;
    ImageEntry& entry = candidate.entry;
    const BoxPlace place{candidate.annotated->file, entry.path, entry.size, entry.size};
    PlacedBoxes placed = place_boxes(annotated, class_of_, place);
    for (const size_t i : placed.lost) {
      const AnnotatedBox& box = annotated[i];
      const bool has_area = box.x0 < box.x1 && box.y0 < box.y1;
      if (has_area && !options_.skips_bad_images) fail_input("{}", describe_lost(box, place));
      candidate.lost_boxes.push_back(describe_lost(box, place));
    }
    candidate.clipped = placed.clipped;
    for (size_t i = 0; i < placed.boxes.size(); ++i) {
      if (placed.boxes[i].is_crowd && !options_.keeps_crowds) continue;
      entry.boxes.push_back(placed.boxes[i]);
      if (!placed.ids.empty()) entry.box_ids.push_back(std::move(placed.ids[i]));
    }
  }

  // The mask shows all annotations, those too whose boxes do not enter.
  void write_mask(Candidate& candidate) const {
    const auto& boxes = candidate.annotated->boxes;
    candidate.lacks_outlines = std::any_of(
        boxes.begin(), boxes.end(), [](const AnnotatedBox& box) { return box.rings.empty() && box.runs.empty(); });
    if (candidate.lacks_outlines) return;
    std::vector<OutlinedObject> objects;
    for (const AnnotatedBox& box : boxes) objects.push_back({&box, class_of_.at(box.class_name)});
    ImageEntry& entry = candidate.entry;
    const fs::path name = output_name(entry.id) += ".png";
    const std::string bytes = label_png_bytes(mask_of_outlines(objects, entry.size, entry.size));
    write_file(options_.masks / name, bytes);
    entry.mask_path = (masks_from_root_ / name).string();
    entry.mask_digest = digest_of(bytes);
  }

  // Named together: that the folder is a wrong one is seen by the first few.
  void refuse_missing() const {
    std::vector<std::string> missing;
    for (const Candidate& c : candidates_)
      if (c.is_missing) missing.push_back(c.annotated->name);
    if (missing.empty() || (options_.skips_bad_images && missing.size() < candidates_.size())) return;
    fail_input("{}", describe_missing_photos(split_.annotations, split_.images, missing, candidates_.size()));
  }

  // Labels of two images of one id would take each other's place.
  void claim_ids(std::unordered_map<std::string, fs::path>& taken) const {
    for (const Candidate& c : candidates_) {
      if (!stays(c)) continue;
      const auto [at, is_new] = taken.emplace(c.entry.id, c.annotated->file);
      if (!is_new)
        fail_input(
            "{}: image '{}' would have the id {} of an image of {}, and their labels one place; rename it, or index "
            "each split in a file of its own",
            c.annotated->file.string(), visible(c.annotated->name), c.entry.id, at->second.string());
    }
  }

  std::vector<std::string> refuse_bad_images() const {
    std::vector<std::string> bad;
    for (const Candidate& c : candidates_)
      if (!c.error.empty()) bad.push_back(c.error);
    refuse_or_skip(bad, candidates_.size(), options_.skips_bad_images);
    return bad;
  }

  void collect(Dataset& dataset, CocoDatasetReport& report) {
    CocoSplitReport counts;
    counts.annotated = static_cast<int64_t>(candidates_.size());
    std::vector<std::string> without_outlines;
    for (Candidate& c : candidates_) {
      if (!stays(c)) {
        const bool is_unannotated = options_.skips_unannotated && c.entry.boxes.empty();
        ++(!c.error.empty() ? counts.skipped : is_unannotated ? counts.unannotated : counts.grayscale);
        continue;
      }
      ++counts.indexed;
      report.boxes += static_cast<int64_t>(c.entry.boxes.size());
      for (const Box& box : c.entry.boxes) report.crowds += box.is_crowd;
      report.clipped.add(c.clipped);
      report.images_without_boxes += c.entry.boxes.empty();
      report.images_with_mask += !c.entry.mask_path.empty();
      if (c.lacks_outlines) without_outlines.push_back(c.annotated->name);
      report.lost_boxes.insert(report.lost_boxes.end(), c.lost_boxes.begin(), c.lost_boxes.end());
      dataset.splits[split_.name].push_back(static_cast<int64_t>(dataset.images.size()));
      dataset.images.push_back(std::move(c.entry));
    }
    if (counts.indexed == 0)
      fail_input("{}: no image is left for the split {} of the {} that it names", split_.annotations.string(),
                 split_.name, counts.annotated);
    report.splits.push_back(counts);
    report.doubts.insert(report.doubts.end(), annotations_.doubts.begin(), annotations_.doubts.end());
    if (!without_outlines.empty())
      report.doubts.push_back(
          fmt::format("{}: {} images have annotations without an outline, and so no mask; the first is {}",
                      split_.annotations.string(), without_outlines.size(), visible(without_outlines[0])));
  }

  const CocoSplit& split_;
  const CocoDatasetOptions& options_;
  const fs::path below_root_, masks_from_root_;
  const BoxAnnotations annotations_;
  const std::vector<std::string> class_names_;
  ClassNumbers class_of_;
  std::vector<Candidate> candidates_;
};

// Categories as "2 cat", for messages.
std::vector<std::string> categories_of(const std::vector<std::string>& ids, const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (size_t i = 0; i < ids.size(); ++i) all.push_back(ids[i] + " " + visible(names[i + 1]));
  return all;
}

void require_same_categories(const Dataset& dataset, const Part& part, const CocoSplit& first, const CocoSplit& split) {
  const auto mine = categories_of(dataset.class_ids, dataset.class_names),
             other = categories_of(part.class_ids(), part.class_names());
  if (mine == other) return;
  const auto [a, b] = std::mismatch(mine.begin(), mine.end(), other.begin(), other.end());
  fail_input(
      "{}: has {} categories and {}, where {} has {} and {}: the classes of all splits must be the same; index them "
      "apart",
      split.annotations.string(), other.size(), b == other.end() ? "no more" : "'" + *b + "'",
      first.annotations.string(), mine.size(), a == mine.end() ? "no more" : "'" + *a + "'");
}

}  // namespace

Dataset index_coco(const CocoDatasetOptions& options, CocoDatasetReport& report) {
  ensure(!options.splits.empty(), "index_coco: no split");
  report = {};
  Dataset dataset;
  dataset.root = root_of(options.splits);
  dataset.palette = voc_palette();
  dataset.box_numbers = BoxNumbers::edges;
  std::unordered_map<std::string, fs::path> taken;
  for (const CocoSplit& split : options.splits) {
    Part part(split, dataset.root, options);
    if (&split == &options.splits[0]) {
      dataset.class_names = part.class_names();
      dataset.class_ids = part.class_ids();
    }
    require_same_categories(dataset, part, options.splits[0], split);
    part.index(dataset, taken, report);
  }
  return dataset;
}

std::string coco_image_id(const std::string& file_name) {
  constexpr size_t kInFolder = 3;  // digits that tell the files of one folder apart
  const fs::path id = fs::path(file_name).replace_extension();
  const std::string stem = id.filename().string();
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  if (stem.size() <= kInFolder || !std::all_of(stem.end() - kInFolder - 1, stem.end(), is_digit)) return id.string();
  return (id.parent_path() / stem.substr(0, stem.size() - kInFolder) / stem).string();
}

}  // namespace boxseg
