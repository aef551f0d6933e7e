#include "common/data/formats/coco/coco_boxes.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "common/data/formats/coco/coco_annotation.h"
#include "common/data/formats/coco/coco_lists.h"
#include "common/data/formats/json_beginning.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

constexpr const char* kImageUnknown = "image unknown";

struct Found {
  int64_t image = -1, category = -1;  // places in CocoImages::images and CocoCategories::class_of; -1: left out
  AnnotatedBox box;
  bool has_outline = false;
};

bool has_list(const CocoEntry& entry, const char* field) {
  dom::element found;
  dom::array list;
  return entry.find(field, found) && !found.get_array().get(list) && list.size() > 0;
}

class Reader {
 public:
  Reader(const fs::path& file, int threads, bool keeps_outlines)
      : file_(file), threads_(threads), keeps_outlines_(keeps_outlines) {}

  BoxAnnotations read() {
    CutFile cut = cut_coco_file(file_);
    if (cut.lists.contains(""))
      fail_input(
          "{}: is a list, not an object with 'images', 'annotations' and 'categories'; if these are detections "
          "(results), give the annotation file that they were made for: it names photographs and classes",
          file_.string());
    images_ = read_coco_images(cut, file_, threads_, doubts_);
    categories_ = read_coco_categories(cut, file_, doubts_);
    const auto& annotations = cut.list("annotations", file_);
    require_boxes(annotations);
    read_annotations(annotations);
    require_some_known(annotations.size());
    cut = CutFile();  // the text is large
    look_at_ids();
    look_at_categories();
    forget_single_doubts();
    return result();
  }

 private:
  // By the first annotation: whether they are such as have boxes.
  void require_boxes(const std::vector<std::string_view>& annotations) const {
    std::string content;
    const auto look = [&](size_t, const CocoEntry& entry) {
      if (entry.has("segments_info")) content = "panoptic segments, which stand in PNGs";
      if (entry.has("bbox") || entry.has("segmentation") || !content.empty()) return;
      if (entry.has("caption")) content = "captions without boxes";
      if (entry.has("keypoints")) content = "keypoints without boxes";
    };
    const std::vector<std::string_view> first(annotations.begin(), annotations.begin() + (annotations.empty() ? 0 : 1));
    for_each_entry(first, file_, "annotations", 1, look, [](size_t, const Error&) {});  // read_annotations() tells it
    if (!content.empty())
      fail_input("{}: has {}; give the file of instances (instances_*.json)", file_.string(), content);
  }

  void read_annotations(const std::vector<std::string_view>& annotations) {
    std::atomic<size_t> with_keypoints = 0;
    found_.resize(annotations.size());
    std::mutex mutex;
    const auto use = [&](size_t i, const CocoEntry& entry) {
      if (has_list(entry, "keypoints")) ++with_keypoints;
      read_annotation(entry, found_[i]);
    };
    const auto refused = [&](size_t i, const Error& error) {
      found_[i].image = -1;
      const std::lock_guard lock(mutex);
      bad_boxes_.emplace(i, error.what());
    };
    for_each_entry(annotations, file_, "annotations", threads_, use, refused);
    if (with_keypoints == annotations.size() && with_keypoints > 0)
      fail_input(
          "{}: is a file of keypoints, of which it may name only some classes; give the file of instances "
          "(instances_*.json), or take 'keypoints' out of the annotations to have their boxes",
          file_.string());
  }

  void read_annotation(const CocoEntry& entry, Found& found) {
    const CocoId image_id = id_in(entry, "image_id");
    const int64_t image = images_.entry_of(image_id);
    if (image < 0) {
      doubts_.add(kImageUnknown, entry.place().index,
                  fmt::format("{}: annotations[{}] is of image {}, which 'images' lacks (it has {}): it is left out",
                              file_.string(), entry.place().index, shown(image_id), images_.entry_of.known()));
      return;
    }
    const CocoId category_id = id_in(entry, "category_id");
    const int64_t category = categories_.category_of(category_id);
    if (category < 0)
      entry.refuse(
          fmt::format("is of category {}, which 'categories' lacks (it has {}); add the category, or leave the "
                      "annotation out",
                      shown(category_id), categories_.category_of.known()));
    const int64_t class_id = categories_.class_of[static_cast<size_t>(category)];
    found.category = category;
    if (class_id < 0) return;  // the background
    found.image = images_.image_of[static_cast<size_t>(image)];
    found.box = read_coco_annotation(entry, images_.images[static_cast<size_t>(found.image)].size, doubts_);
    found.box.class_name = categories_.class_names[static_cast<size_t>(class_id)];
    found.has_outline = !found.box.rings.empty() || !found.box.runs.empty();
    if (!keeps_outlines_) found.box.rings = {}, found.box.runs = {}, found.box.runs_size = {};
  }

  void require_some_known(size_t annotations) const {
    if (annotations > 0 && doubts_.count(kImageUnknown) == annotations)
      fail_input("{}; none of the {} annotations is of an image of the file: are these two files' lists?",
                 doubts_.sentence(kImageUnknown), annotations);
  }

  // Ids are for messages alone, so that annotations of one id are all taken.
  void look_at_ids() {
    std::vector<std::pair<std::string_view, size_t>> ids;
    for (size_t i = 0; i < found_.size(); ++i)
      if (!found_[i].box.id.empty()) ids.emplace_back(found_[i].box.id, i);
    std::sort(ids.begin(), ids.end());
    for (size_t i = 1; i < ids.size(); ++i)
      if (ids[i].first == ids[i - 1].first)
        doubts_.add("id twice", ids[i].second,
                    fmt::format("{}: annotations[{}] has the id {} of annotations[{}]; both are taken", file_.string(),
                                ids[i].second, ids[i].first, ids[i - 1].second));
  }

  // Roboflow puts the project's name before the classes, as a category without annotations.
  void look_at_categories() {
    std::vector<bool> is_used(categories_.class_names.size());
    std::set<std::string> parents;
    for (const Found& found : found_)
      if (const int64_t c = found.category < 0 ? -1 : categories_.class_of[static_cast<size_t>(found.category)]; c >= 0)
        is_used[static_cast<size_t>(c)] = true;
    for (size_t i = 0; i < categories_.class_of.size(); ++i) {
      const int64_t c = categories_.class_of[i];
      if (c >= 0 && categories_.supercategory_of[i] != categories_.class_names[static_cast<size_t>(c)])
        parents.insert(categories_.supercategory_of[i]);
    }
    for (size_t c = 0; c < is_used.size(); ++c)
      if (const std::string& name = categories_.class_names[c]; !is_used[c] && parents.contains(name))
        doubts_.add("parent", c,
                    fmt::format("{}: category '{}' is the 'supercategory' of others and has no annotation; it is taken "
                                "as a class all the same: take it out of 'categories' if it is none",
                                file_.string(), name));
  }

  // A single such box is a slip, many of them are a misunderstanding.
  void forget_single_doubts() {
    size_t boxes = 0, outlines = 0;
    for (const Found& found : found_) {
      if (found.image < 0) continue;
      ++boxes;
      if (found.has_outline) ++outlines;
    }
    if (3 * doubts_.count(kBeyondImage) < boxes) doubts_.forget(kBeyondImage);
    if (doubts_.count(kShareOfImage) < boxes) doubts_.forget(kShareOfImage);
    if (3 * doubts_.count(kOtherThanOutline) < outlines) doubts_.forget(kOtherThanOutline);
  }

  BoxAnnotations result() {
    BoxAnnotations all;
    all.format = "COCO JSON";
    all.class_names = std::move(categories_.class_names);
    all.class_ids = std::move(categories_.class_ids);
    all.has_class_order = true;
    all.images = std::move(images_.images);
    std::vector<size_t> boxes(all.images.size());
    for (const Found& found : found_)
      if (found.image >= 0) ++boxes[static_cast<size_t>(found.image)];
    for (size_t i = 0; i < boxes.size(); ++i) all.images[i].boxes.reserve(boxes[i]);
    for (Found& found : found_)
      if (found.image >= 0) all.images[static_cast<size_t>(found.image)].boxes.push_back(std::move(found.box));
    found_ = {};
    std::sort(all.images.begin(), all.images.end(),
              [](const AnnotatedImage& a, const AnnotatedImage& b) { return a.name < b.name; });
    for (auto& [i, message] : bad_boxes_) all.bad_boxes.push_back(std::move(message));
    all.doubts = doubts_.sentences();
    return all;
  }

  const fs::path& file_;
  int threads_;
  bool keeps_outlines_;
  CocoImages images_;
  CocoCategories categories_;
  std::vector<Found> found_;                 // for each annotation
  std::map<size_t, std::string> bad_boxes_;  // by annotation
  EntryDoubts doubts_;
};

bool is_coco_beginning(const JsonBeginning& beginning) {
  const auto has = [&](const char* name) { return beginning.has(name) ? 1 : 0; };
  if (beginning.is_list) return has("image_id") + has("category_id") == 2;
  return has("images") + has("annotations") + has("categories") >= (beginning.is_cut ? 1 : 2);
}

}  // namespace

BoxAnnotations read_coco_boxes(const fs::path& file, int threads, bool keeps_outlines) {
  return Reader(file, threads, keeps_outlines).read();
}

bool is_coco(const fs::path& file) { return is_coco_beginning(json_beginning(file)); }

bool looks_like_coco(std::string_view text, bool is_cut) { return is_coco_beginning(json_beginning(text, is_cut)); }

}  // namespace boxseg
