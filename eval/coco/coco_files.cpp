#include "eval/coco/coco_files.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "common/base/files.h"
#include "common/base/log.h"
#include "eval/coco/coco_segmentation.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

// Returns -1 where no size is told, as in files whose writer did not look at the images: boxes need none.
int64_t side_in(const CocoEntry& image, const char* field) {
  dom::element found;
  int64_t side = -1;
  return image.find(field, found) && whole_number(found, side) && side >= 0 ? side : -1;
}

CocoBox box_in(const CocoEntry& entry) {
  const std::vector<double> values = entry.numbers("bbox");
  if (values.size() != 4)
    entry.refuse(fmt::format("has a 'bbox' of {} numbers, expected x, y, width, height", values.size()));
  return {values[0], values[1], values[2], values[3]};
}

// Remarks on boxes that look as if their numbers meant something else.
void look_at_box(const CocoBox& b, const CocoTruth::Image& image, const CocoPlace& place, CocoRemarks& remarks) {
  const auto is_box = [&](const char* what) {
    return fmt::format("has the box [{}, {}, {}, {}], which {}", b[0], b[1], b[2], b[3], what);
  };
  if (b[2] < 0 || b[3] < 0)
    remarks.add(CocoRemark::negative_box, place, is_box("has a negative side and meets no other box"));
  if (image.height >= 0 && image.width >= 0 &&
      (b[0] + b[2] > static_cast<double>(image.width) + 1 || b[1] + b[3] > static_cast<double>(image.height) + 1))
    remarks.add(CocoRemark::beyond_image, place,
                is_box("reaches beyond its image; are these corners? expected x, y, width, height"));
  if (b[0] + b[2] <= 1 && b[1] + b[3] <= 1)
    remarks.add(CocoRemark::tiny_box, place, is_box("is a share of its image; expected pixels"));
}

// Forgets remarks on few boxes: one such box is a slip, many of them are a misunderstanding.
void forget_single_boxes(CocoRemarks& remarks, size_t boxes) {
  if (3 * remarks.count(CocoRemark::beyond_image) < boxes) remarks.forget(CocoRemark::beyond_image);
  if (remarks.count(CocoRemark::tiny_box) < boxes) remarks.forget(CocoRemark::tiny_box);
}

bool is_crowd_in(const CocoEntry& annotation, CocoRemarks& remarks) {
  dom::element found;
  if (!annotation.find("iscrowd", found)) {
    remarks.add(CocoRemark::no_crowd_flag, annotation.place(), "has no 'iscrowd', which is taken as 0");
    return false;
  }
  bool flag = false;
  int64_t number = 0;
  if (!found.get_bool().get(flag)) return flag;
  if (whole_number(found, number) && number >= 0 && number <= 255) return number != 0;  // pycocotools keeps a byte
  annotation.refuse(fmt::format("has {} as 'iscrowd', expected 0 or 1", shown(found)));
}

void look_at_ignore(const CocoEntry& annotation, CocoRemarks& remarks) {
  dom::element found;
  bool flag = false;
  double number = 0;
  if (!annotation.find("ignore", found)) return;
  const bool is_set = !found.get_bool().get(flag) ? flag : !found.get_double().get(number) && number != 0;
  if (!is_set) return;
  remarks.add(
      CocoRemark::ignore_flag, annotation.place(),
      fmt::format("has {} as 'ignore', which COCOeval does not look at: the object counts; 'iscrowd' 1 leaves it out",
                  shown(found)));
}

// Tells whether NumPy, which stores the id as a number, makes 0 of it.
bool is_zero(const CocoId& id) {
  if (!id.is_text) return id.number == 0;
  char* end = nullptr;
  return std::strtod(id.text.c_str(), &end) == 0 && end != id.text.c_str() && *end == '\0';
}

// Sorts the entries by their ids and returns the ids, sorted as well.
template <class Entry>
std::vector<CocoId> sorted_by_id(std::vector<Entry>& entries, const fs::path& path, const char* list) {
  std::vector<CocoId> ids;
  for (const Entry& entry : entries) ids.push_back(entry.id);
  require_unique(ids, path, list, true);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Returns the objects whose image and category are there.
std::vector<CocoObject> kept(std::vector<CocoObject>&& all) {
  std::erase_if(all, [](const CocoObject& object) { return object.image < 0; });
  return std::move(all);
}

class Reader {
 public:
  Reader(CocoType type, int threads) : type_(type), threads_(threads) {}

  CocoFiles read(const fs::path& truth, const fs::path& detections) {
    const fs::path* paths[2] = {&truth, &detections};
    CutFile files[2];
    parallel_for(2, 1, threads_, [&](int64_t i, int64_t) { files[i] = cut_coco_file(*paths[i]); });
    read_truth(files[0], truth);
    files[0] = CutFile();
    read_detections(files[1], detections);
    return std::move(files_);
  }

  CocoTruth read_truth(const fs::path& path) {
    read_truth(cut_coco_file(path), path);
    return std::move(files_.truth);
  }

 private:
  void read_truth(const CutFile& file, const fs::path& path) {
    CocoTruth& truth = files_.truth;
    const auto& images = file.list("images", path);
    truth.images.resize(images.size());
    for_each_entry(images, path, "images", threads_, [&](size_t i, const CocoEntry& image) {
      truth.images[i] = {id_in(image, "id"), side_in(image, "height"), side_in(image, "width")};
    });
    const auto& categories = file.list("categories", path);
    truth.categories.resize(categories.size());
    for_each_entry(categories, path, "categories", threads_, [&](size_t i, const CocoEntry& category) {
      dom::element found;
      std::string_view name;
      if (!category.find("name", found) || found.get_string().get(name)) name = "";
      truth.categories[i] = {id_in(category, "id"), std::string(name)};
    });
    image_of_ = CocoIdIndex(sorted_by_id(truth.images, path, "images"));
    category_of_ = CocoIdIndex(sorted_by_id(truth.categories, path, "categories"));
    read_annotations(file.list("annotations", path), path);
  }

  void read_annotations(const std::vector<std::string_view>& annotations, const fs::path& path) {
    CocoRemarks remarks;
    CocoTruth& truth = files_.truth;
    truth.objects.resize(annotations.size());
    std::vector<CocoId> ids(annotations.size());
    for_each_entry(annotations, path, "annotations", threads_, [&](size_t i, const CocoEntry& annotation) {
      ids[i] = id_in(annotation, "id");
      truth.objects[i] = object_of(annotation, ids[i], remarks);
    });
    require_unique(ids, path, "annotations", false);
    truth.objects = kept(std::move(truth.objects));
    forget_single_boxes(remarks, truth.objects.size());
    remarks.tell(path);
    if (truth.objects.empty())
      log_warning("{}: holds no object of its images and categories, all numbers are -1", path.string());
  }

  CocoObject object_of(const CocoEntry& annotation, const CocoId& id, CocoRemarks& remarks) const {
    CocoObject object;
    const CocoId image_id = id_in(annotation, "image_id"), category_id = id_in(annotation, "category_id");
    object.image = image_of_(image_id), object.category = category_of_(category_id);
    if (object.image < 0)
      remarks.add(CocoRemark::unknown_image, annotation.place(),
                  fmt::format("is of image {}, which 'images' lacks; left out", shown(image_id)));
    else if (object.category < 0)
      remarks.add(CocoRemark::unknown_category, annotation.place(),
                  fmt::format("is of category {}, which 'categories' lacks; left out", shown(category_id)));
    if (object.image < 0 || object.category < 0) {
      object.image = -1;
      return object;
    }
    const CocoTruth::Image& image = files_.truth.images[static_cast<size_t>(object.image)];
    object.area = annotation.number("area");
    object.is_crowd = is_crowd_in(annotation, remarks);
    if (!object.is_crowd) look_at_ignore(annotation, remarks);
    object.has_id = !is_zero(id);
    if (!object.has_id)
      remarks.add(
          CocoRemark::id_zero, annotation.place(),
          "has the id 0, which COCOeval takes for nothing found: what finds this object counts as wrong; begin with 1");
    if (type_ == CocoType::segm) {
      object.mask = mask_in(annotation, image, remarks);
      if (area_of(object.mask) == 0)
        remarks.add(CocoRemark::empty_mask, annotation.place(), "has a mask without a pixel, which nothing finds");
      object.box = box_of(object.mask);
    } else {
      object.box = box_in(annotation);
      look_at_box(object.box, image, annotation.place(), remarks);
    }
    return object;
  }

  void read_detections(const CutFile& file, const fs::path& path) {
    const auto found = file.lists.find("");
    if (found == file.lists.end())
      fail_input("{}: is not a list of detections{}", path.string(),
                 file.lists.empty() ? "" : "; its list 'annotations' alone would be one");
    const auto& list = found->second;
    if (list.empty()) log_warning("{}: holds no detection", path.string());
    for_each_entry({list.begin(), list.begin() + (list.empty() ? 0 : 1)}, path, "detections", 1,
                   [&](size_t, const CocoEntry& first) {
                     dom::element box;
                     dom::array numbers;
                     have_boxes_ = first.find("bbox", box) && (box.get_array().get(numbers) || numbers.size() > 0);
                   });
    CocoRemarks remarks;
    std::vector<CocoObject>& detections = files_.detections;
    detections.resize(list.size());
    for_each_entry(list, path, "detections", threads_,
                   [&](size_t i, const CocoEntry& detection) { detections[i] = detection_of(detection, remarks); });
    detections = kept(std::move(detections));
    if (have_boxes_) forget_single_boxes(remarks, detections.size());
    remarks.tell(path);
  }

  CocoObject detection_of(const CocoEntry& detection, CocoRemarks& remarks) const {
    CocoObject d;
    const CocoId image_id = id_in(detection, "image_id"), category_id = id_in(detection, "category_id");
    d.image = image_of_(image_id), d.category = category_of_(category_id);
    if (d.image < 0)
      detection.refuse(
          fmt::format("is of image {}, which the ground truth lacks; it has {}", shown(image_id), image_of_.known()));
    if (d.category < 0) {
      d.image = -1;
      remarks.add(CocoRemark::unknown_category, detection.place(),
                  fmt::format("is of category {}, which the ground truth lacks (it has {}); left out",
                              shown(category_id), category_of_.known()));
      return d;
    }
    d.score = score_in(detection);
    set_shape(d, detection, files_.truth.images[static_cast<size_t>(d.image)], remarks);
    return d;
  }

  static double score_in(const CocoEntry& detection) {
    const double score = detection.number("score");
    int64_t whole = 0;
    if (std::abs(score) >= 0x1p53 &&
        !detection.get("score").get_int64().get(whole))  // NumPy compares these as integers
      detection.refuse(fmt::format("has {} as 'score', expected a number below 2^53", whole));
    return score;
  }

  void set_shape(CocoObject& d, const CocoEntry& detection, const CocoTruth::Image& image, CocoRemarks& remarks) const {
    if (have_boxes_) {
      d.box = box_in(detection);
      look_at_box(d.box, image, detection.place(), remarks);
      d.area = d.box[2] * d.box[3];
      if (type_ == CocoType::bbox) return;
      d.mask =
          detection.has("segmentation") ? mask_in(detection, image, remarks) : mask_of_box(d.box, detection, image);
      d.box = box_of(d.mask);
    } else {
      d.mask = mask_in(detection, image, remarks);
      d.area = static_cast<double>(area_of(d.mask));
      d.box = type_ == CocoType::bbox && detection.has("bbox") ? box_in(detection) : box_of(d.mask);
    }
  }

  CocoType type_;
  int threads_;
  CocoFiles files_;
  CocoIdIndex image_of_{{}}, category_of_{{}};
  bool have_boxes_ = false;
};

}  // namespace

CocoFiles read_coco_files(const fs::path& truth, const fs::path& detections, CocoType type, int threads) {
  return Reader(type, threads).read(truth, detections);
}

CocoTruth read_coco_truth(const fs::path& path, CocoType type, int threads) {
  return Reader(type, threads).read_truth(path);
}

}  // namespace boxseg
