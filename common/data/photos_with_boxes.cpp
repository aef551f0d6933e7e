#include "common/data/photos_with_boxes.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/bad_images.h"
#include "common/data/class_list.h"
#include "common/data/clipped_boxes.h"
#include "common/data/outlined_mask.h"
#include "common/data/photo_names.h"
#include "common/data/photograph.h"
#include "common/data/placed_boxes.h"
#include "common/data/smaller_copies.h"
#include "common/io/label_png.h"
#include "common/io/resized.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

struct Candidate : IncomingImage {
  std::map<std::string, std::string> doubts;
};

class Join {
 public:
  Join(const BoxAnnotations& annotations, const PhotosWithBoxesOptions& options)
      : annotations_(annotations), options_(options), class_names_(options.class_names) {
    if (class_names_.empty()) class_names_ = with_background(annotations.class_names, annotations.format);
    for (size_t c = 1; c < class_names_.size(); ++c) class_of_[class_names_[c]] = static_cast<int64_t>(c);
  }

  Dataset run(PhotosWithBoxesReport& report) {
    report = {};
    refuse_unknown_classes();
    if (options_.longest_side > 0) claim_folder_of_copies(options_.copies, options_.images);
    photos_ = find_photos(options_.images, options_.copies);
    for (const auto& [name, path] : photos_.photos) ++photos_of_id_[fs::path(name).replace_extension().string()];
    if (photos_.photos.empty())
      fail_input("{}: holds no photograph ({}){}", options_.images.string(), join(image_suffixes(), ", "),
                 photos_.left_out.empty() ? "" : "; it holds " + photos_.describe_left_out());
    match();
    look_at_all();
    for (const auto& c : candidates_)
      if (!c.error.empty()) report.skipped.push_back(c.error);
    refuse_or_skip(report.skipped, candidates_.size(), options_.skips_bad_images);
    return collect(report);
  }

 private:
  void refuse_unknown_classes() const {
    std::map<std::string, int64_t> unknown;
    for (const auto& image : annotations_.images)
      for (const auto& box : image.boxes)
        if (class_of_.count(box.class_name) == 0) ++unknown[box.class_name];
    if (unknown.empty()) return;
    std::vector<std::string> named;
    for (const auto& [name, count] : unknown) named.push_back(fmt::format("'{}' ({} boxes)", visible(name), count));
    fail_input("the boxes name classes that the list does not have: {}; it has: {}", join(named, ", "),
               join({class_names_.begin() + 1, class_names_.end()}, ", "));
  }

  // Which photograph each annotated image is.
  void match() {
    const PhotoNames names(photos_.photos);
    std::unordered_map<std::string, const AnnotatedImage*> taken;
    for (const auto& image : annotations_.images) {
      Candidate candidate;
      candidate.annotated = &image;
      const auto found = names.find(image, options_.boxes);
      const std::string where = fmt::format("{}: image '{}'", image.file.string(), visible(image.name));
      if (found.names.empty())
        candidate.error =
            fmt::format("{} is not in {}; fetch it, or remove its boxes", where, options_.images.string());
      else if (found.names.size() > 1)
        candidate.error = fmt::format("{} may be {}; write the folder into its name", where, join(found.names, " or "));
      else if (const auto [at, is_new] = taken.emplace(found.names[0], &image); !is_new)
        candidate.error = fmt::format("{} is the photograph {}, and so is '{}'; which boxes are its own?", where,
                                      found.names[0], visible(at->second->name));
      else
        candidate.entry.path = found.names[0], candidate.entry.id = id_of(found.names[0]);
      if (found.is_guess && candidate.error.empty())
        candidate.doubts["a name that is nearly that of a photograph"] =
            fmt::format("{} is taken to be {}", where, found.names[0]);
      candidates_.push_back(std::move(candidate));
    }
    const bool has_match =
        std::any_of(candidates_.begin(), candidates_.end(), [](const Candidate& c) { return c.error.empty(); });
    if (candidates_.empty())
      fail_input("{}: {} names no image; are these the boxes that were meant?", options_.boxes.string(),
                 annotations_.format);
    if (!has_match)
      fail_input("none of the {} images that {} names is in {}, which holds {} photographs, such as {}; {} names '{}'",
                 candidates_.size(), annotations_.format, options_.images.string(), photos_.photos.size(),
                 photos_.photos.begin()->first, annotations_.images[0].file.string(),
                 visible(annotations_.images[0].name));
  }

  void look_at_all() {
    Progress progress("look at photographs", static_cast<int64_t>(candidates_.size()));
    parallel_for(static_cast<int64_t>(candidates_.size()), 1, options_.threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        throw_if_interrupted();
        Candidate& candidate = candidates_[static_cast<size_t>(i)];
        if (candidate.error.empty()) candidate.error = fault_of([&] { look_at(candidate); });
        progress.advance();
      }
    });
  }

  void look_at(Candidate& candidate) const {
    const AnnotatedImage& annotated = *candidate.annotated;
    ImageEntry& entry = candidate.entry;
    Photograph photograph = look_at_photograph(photos_.photos.at(entry.path), entry.path);
    const ImageSize size = photograph.size;
    entry.size = options_.longest_side > 0 ? fitted(size, options_.longest_side) : size;
    entry.image_digest = photograph.digest;
    entry.source_id = annotated.id;
    // Of formats with a file for each image it is the file.
    if (annotated.id.empty() && annotated.file != options_.boxes)
      entry.source_id = annotated.file.lexically_relative(options_.boxes).string();
    candidate.doubts.merge(photograph.doubts);
    require_annotated_size(annotated, entry.path, size);
    std::vector<AnnotatedBox> boxes = annotated.boxes;
    if (annotations_.is_in_shares)
      for (AnnotatedBox& box : boxes) box = in_pixels(std::move(box), size);
    const std::vector<OutlinedObject> objects = take_boxes(boxes, size, candidate);
    // From here on files are written: of this photograph nothing is left to be refused.
    if (const auto mask = mask_of(objects, size, entry.size)) write_mask(*mask, entry);
    if (entry.size != size) take_copy(photograph, entry);
  }

  // The entry is of a smaller copy from here on.
  void take_copy(const Photograph& photograph, ImageEntry& entry) const {
    entry.source_size = photograph.size;
    entry.source_path = entry.path;
    entry.source_digest = photograph.digest;
    const std::string name = copy_name(entry.id), bytes = encoded_copy(resized(photograph.image, entry.size));
    write_file(options_.copies / name, bytes);
    entry.path = (copies_from_photos_ / name).string();
    entry.image_digest = digest_of(bytes);
  }

  void write_mask(const LabelMap& mask, ImageEntry& entry) const {
    const fs::path name = output_name(entry.id) += ".png";
    write_label_png(options_.masks / name, mask);
    entry.mask_path = (masks_from_photos_ / name).string();
    entry.mask_digest = digest_of_file(options_.masks / name);
  }

  // Boxes with a pixel of the photograph are the entry's. Returns what outlines they came with.
  std::vector<OutlinedObject> take_boxes(const std::vector<AnnotatedBox>& boxes, ImageSize photo,
                                         Candidate& candidate) const {
    ImageEntry& entry = candidate.entry;
    const BoxPlace place{candidate.annotated->file, entry.path, photo, entry.size};
    PlacedBoxes placed = place_boxes(boxes, class_of_, place);
    for (const size_t i : placed.lost) candidate.lost_boxes.push_back(describe_lost(boxes[i], place));
    if (!candidate.lost_boxes.empty() && !options_.skips_bad_images) fail_input("{}", candidate.lost_boxes[0]);
    candidate.clipped = placed.clipped;
    entry.boxes = std::move(placed.boxes);
    entry.box_ids = std::move(placed.ids);
    std::vector<OutlinedObject> objects;
    for (size_t i = 0; i < entry.boxes.size(); ++i)
      objects.push_back({&boxes[placed.annotated[i]], entry.boxes[i].class_id});
    return objects;
  }

  // Where every object has an outline: else what is no object's would count as background.
  std::optional<LabelMap> mask_of(const std::vector<OutlinedObject>& objects, ImageSize photo, ImageSize size) const {
    const auto has_outline = [](const OutlinedObject& o) { return !o.box->rings.empty() || !o.box->runs.empty(); };
    if (options_.masks.empty() || objects.empty() || !std::all_of(objects.begin(), objects.end(), has_outline))
      return std::nullopt;
    return mask_of_outlines(objects, photo, size);
  }

  // Ids of the classes, in the order that they have here; empty where the annotations have none, or not one for each.
  std::vector<std::string> class_ids() const {
    std::vector<std::string> ids;
    for (size_t c = 1; c < class_names_.size(); ++c) {
      const auto& names = annotations_.class_names;
      const auto at = static_cast<size_t>(std::find(names.begin(), names.end(), class_names_[c]) - names.begin());
      if (at >= annotations_.class_ids.size()) return {};
      ids.push_back(annotations_.class_ids[at]);
    }
    return ids;
  }

  Dataset collect(PhotosWithBoxesReport& report) {
    Dataset dataset;
    dataset.root = fs::absolute(options_.images).lexically_normal();
    dataset.class_names = class_names_;
    dataset.class_ids = class_ids();
    dataset.palette = voc_palette();
    dataset.box_numbers = BoxNumbers::edges;
    report.doubts = annotations_.doubts;
    std::vector<Candidate*> good;
    for (auto& c : candidates_)
      if (c.error.empty()) good.push_back(&c);
    std::sort(good.begin(), good.end(), [](auto* a, auto* b) { return a->entry.photo_path() < b->entry.photo_path(); });
    report.photos_without_annotation = static_cast<int64_t>(photos_.photos.size() - candidates_.size());
    std::map<std::string, std::pair<std::string, int64_t>> doubts;  // kind -> the first sentence, how many more
    std::map<const AnnotatedImage*, int64_t> index;
    ClippedBoxes clipped;
    for (Candidate* c : good) {
      index[c->annotated] = static_cast<int64_t>(dataset.images.size());
      for (auto& [kind, sentence] : c->doubts) {
        const auto [at, is_new] = doubts.emplace(kind, std::pair{sentence, 0});
        if (!is_new) ++at->second.second;
      }
      report.boxes += static_cast<int64_t>(c->entry.boxes.size());
      clipped.add(c->clipped);
      report.images_without_boxes += c->entry.boxes.empty();
      report.lost_boxes.insert(report.lost_boxes.end(), c->lost_boxes.begin(), c->lost_boxes.end());
      report.images_with_mask += !c->entry.mask_path.empty();
      dataset.images.push_back(std::move(c->entry));
    }
    report.clipped_boxes = clipped.count;
    report.most_clipped_box = clipped.most;
    for (const auto& [kind, seen] : doubts)
      report.doubts.push_back(seen.second == 0 ? seen.first : fmt::format("{} (and {} more)", seen.first, seen.second));
    add_splits(dataset, index);
    return dataset;
  }

  // Without suffix, unless another photograph has the same name but for the suffix.
  std::string id_of(const std::string& path) const {
    const std::string id = fs::path(path).replace_extension().string();
    return photos_of_id_.at(id) > 1 ? path : id;
  }

  void add_splits(Dataset& dataset, const std::map<const AnnotatedImage*, int64_t>& index) const {
    for (size_t i = 0; i < dataset.images.size(); ++i) dataset.splits["all"].push_back(static_cast<int64_t>(i));
    std::unordered_map<std::string, const AnnotatedImage*> of_name;
    for (const auto& image : annotations_.images) of_name[image.name] = &image;
    for (const auto& [split, names] : annotations_.splits)
      for (const auto& name : names)
        if (const auto found = of_name.find(name); found != of_name.end())
          if (const auto at = index.find(found->second); at != index.end()) dataset.splits[split].push_back(at->second);
    if (!annotations_.splits.empty() || options_.validation_share <= 0) return;
    // Each image by itself, so that one more image moves no other.
    for (size_t i = 0; i < dataset.images.size(); ++i) {
      const double draw = Random(options_.seed, "validation", stable_hash64(dataset.images[i].id)).uniform();
      dataset.splits[draw < options_.validation_share ? "val" : "train"].push_back(static_cast<int64_t>(i));
    }
  }

  const BoxAnnotations& annotations_;
  const PhotosWithBoxesOptions& options_;
  std::vector<std::string> class_names_;
  ClassNumbers class_of_;
  const fs::path masks_from_photos_ = as_seen_from(options_.images, options_.masks),
                 copies_from_photos_ = as_seen_from(options_.images, options_.copies);
  PhotoFolder photos_;
  std::unordered_map<std::string, int64_t> photos_of_id_;  // by name without suffix
  std::vector<Candidate> candidates_;
};

}  // namespace

AnnotatedBox in_pixels(AnnotatedBox box, ImageSize size) {
  const auto w = static_cast<double>(size.width), h = static_cast<double>(size.height);
  // Shares with six digits lie beside the edge that was meant: what is within a fiftieth of a pixel is that edge.
  const auto at = [](double share, double side) {
    const double value = share * side, edge = std::round(value);
    return (std::abs(value - edge) < 0.02 ? edge : value) + 0.0;  // 0 where it is -0, which has other bytes
  };
  box.x0 = at(box.x0, w), box.x1 = at(box.x1, w), box.y0 = at(box.y0, h), box.y1 = at(box.y1, h);
  for (auto& ring : box.rings)
    for (size_t i = 0; i + 1 < ring.size(); i += 2) ring[i] *= w, ring[i + 1] *= h;
  return box;
}

Dataset join_photos_and_boxes(const BoxAnnotations& annotations, const PhotosWithBoxesOptions& options,
                              PhotosWithBoxesReport& report) {
  return Join(annotations, options).run(report);
}

}  // namespace boxseg
