#include "eval/coco_files.h"

#include <simdjson.h>

#include <algorithm>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/parallel.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

// "annotations[7]" of a file: what an error names.
struct Place {
  const fs::path& file;
  const char* list;
  size_t index;
  [[noreturn]] void refuse(const std::string& what) const { fail_input("{}: {}[{}] {}", file.string(), list, index, what); }
};

dom::element parse(dom::parser& parser, const fs::path& path) {
  if (!fs::exists(path)) fail_input("{}: no such file", path.string());
  dom::element document;
  if (const auto error = parser.load(path.string()).get(document)) fail_input("{}: is no JSON: {}", path.string(), simdjson::error_message(error));
  return document;
}

dom::array list_of(const dom::element& document, const char* name, const fs::path& path) {
  dom::array list;
  if (document[name].get_array().get(list)) fail_input("{}: has no list '{}'; is it a COCO annotation file?", path.string(), name);
  return list;
}

double number(const dom::element& of, const char* field, const Place& place) {
  double value = 0;
  if (of[field].get_double().get(value)) place.refuse(fmt::format("has no number '{}'", field));
  return value;
}

int64_t integer(const dom::element& of, const char* field, const Place& place) {
  int64_t value = 0;
  if (!of[field].get_int64().get(value)) return value;
  double real = 0;  // some tools write 3.0
  if (of[field].get_double().get(real) || real != static_cast<double>(static_cast<int64_t>(real)))
    place.refuse(fmt::format("has no whole number '{}'", field));
  return static_cast<int64_t>(real);
}

std::vector<double> numbers(const dom::element& of, const Place& place, const char* what) {
  dom::array list;
  if (of.get_array().get(list)) place.refuse(fmt::format("has no list of numbers as '{}'", what));
  std::vector<double> values;
  values.reserve(list.size());
  for (const dom::element x : list) {
    double value = 0;
    if (x.get_double().get(value)) place.refuse(fmt::format("has something else than numbers in '{}'", what));
    values.push_back(value);
  }
  return values;
}

CocoBox box(const dom::element& of, const Place& place) {
  dom::element found;
  if (of["bbox"].get(found)) place.refuse("has no 'bbox'");
  const auto values = numbers(found, place, "bbox");
  if (values.size() != 4) place.refuse(fmt::format("has a 'bbox' of {} numbers, expected x, y, width, height", values.size()));
  return {values[0], values[1], values[2], values[3]};
}

// As pycocotools.mask.frPyObjects(): lists of four numbers are boxes.
RunLengths mask_of_polygon_list(const dom::array& list, const CocoTruth::Image& image, const Place& place) {
  std::vector<std::vector<double>> polygons;
  for (const dom::element polygon : list) polygons.push_back(numbers(polygon, place, "segmentation"));
  if (polygons.empty()) place.refuse("has an empty 'segmentation'");
  const bool are_boxes = polygons[0].size() == 4;
  for (auto& polygon : polygons) {
    if (polygon.size() < 4) place.refuse("has a polygon of fewer than two points in 'segmentation'");
    if (are_boxes) polygon = polygon_of_box({polygon[0], polygon[1], polygon[2], polygon[3]});
  }
  return mask_of_polygons(polygons, image.height, image.width);
}

RunLengths mask_of_counts(const dom::object& segmentation, const Place& place) {
  dom::element size, counts;
  if (segmentation["size"].get(size) || segmentation["counts"].get(counts)) place.refuse("has a 'segmentation' without 'size' and 'counts'");
  const auto extent = numbers(size, place, "segmentation.size");
  if (extent.size() != 2 || extent[0] < 0 || extent[1] < 0) place.refuse("has a 'segmentation.size' that is not height, width");
  const auto height = static_cast<int64_t>(extent[0]), width = static_cast<int64_t>(extent[1]);
  std::string_view text;
  if (!counts.get_string().get(text)) {
    try {
      return mask_of_text(text, height, width);
    } catch (const Error& e) {
      place.refuse(fmt::format("has bad {}", e.what()));
    }
  }
  RunLengths mask{height, width, {}};
  for (const double run : numbers(counts, place, "segmentation.counts")) mask.runs.push_back(static_cast<uint32_t>(run));
  return mask;
}

RunLengths mask_of(const dom::element& object, const CocoTruth::Image& image, const Place& place) {
  dom::element segmentation;
  if (object["segmentation"].get(segmentation)) place.refuse("has no 'segmentation'; --type bbox needs none");
  dom::array polygons;
  if (!segmentation.get_array().get(polygons)) return mask_of_polygon_list(polygons, image, place);
  dom::object counts;
  if (segmentation.get_object().get(counts)) place.refuse("has a 'segmentation' that is neither polygons nor run lengths");
  const RunLengths mask = mask_of_counts(counts, place);
  uint64_t pixels = 0;
  for (const uint32_t run : mask.runs) pixels += run;
  if (pixels != static_cast<uint64_t>(mask.height * mask.width))
    place.refuse(fmt::format("has run lengths for {} pixels, its 'size' is {}x{}", pixels, mask.height, mask.width));
  return mask;
}

template <class Entry>
std::unordered_map<int64_t, int64_t> index_of(const std::vector<Entry>& entries) {
  std::unordered_map<int64_t, int64_t> index;
  for (size_t i = 0; i < entries.size(); ++i) index.emplace(entries[i].id, i);
  return index;
}

template <class Entry>
void sort_by_id(std::vector<Entry>& entries, const fs::path& path, const char* what) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto twice = std::adjacent_find(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.id == b.id; });
  if (twice != entries.end()) fail_input("{}: {} id {} stands twice", path.string(), what, twice->id);
}

std::vector<dom::element> elements_of(const dom::array& list) { return {list.begin(), list.end()}; }

}  // namespace

CocoTruth read_coco_truth(const fs::path& path, CocoType type, int threads) {
  dom::parser parser;
  const dom::element document = parse(parser, path);
  CocoTruth truth;
  for (size_t i = 0; const dom::element image : list_of(document, "images", path)) {
    const Place place{path, "images", i++};
    truth.images.push_back({integer(image, "id", place), integer(image, "height", place), integer(image, "width", place)});
  }
  for (size_t i = 0; const dom::element category : list_of(document, "categories", path)) {
    const Place place{path, "categories", i++};
    std::string_view name;
    if (category["name"].get_string().get(name)) name = "";
    truth.categories.push_back({integer(category, "id", place), std::string(name)});
  }
  sort_by_id(truth.images, path, "image");
  sort_by_id(truth.categories, path, "category");
  const auto images = index_of(truth.images), categories = index_of(truth.categories);
  const auto list = elements_of(list_of(document, "annotations", path));
  std::unordered_map<int64_t, size_t> seen;
  std::vector<dom::element> kept;
  std::vector<size_t> numbers_in_file;
  for (size_t i = 0; i < list.size(); ++i) {
    const Place place{path, "annotations", i};
    CocoObject object;
    object.id = integer(list[i], "id", place);
    if (!seen.emplace(object.id, i).second) place.refuse(fmt::format("has the id {} of another one; ids must differ", object.id));
    const auto image = images.find(integer(list[i], "image_id", place)), category = categories.find(integer(list[i], "category_id", place));
    if (image == images.end() || category == categories.end()) continue;  // COCOeval does not look at those either
    object.image = image->second, object.category = category->second;
    object.area = number(list[i], "area", place);
    int64_t crowd = 0;
    object.is_crowd = !list[i]["iscrowd"].get_int64().get(crowd) && crowd != 0;
    if (type == CocoType::bbox) object.box = box(list[i], place);
    truth.objects.push_back(std::move(object));
    kept.push_back(list[i]);
    numbers_in_file.push_back(i);
  }
  if (type == CocoType::bbox) return truth;
  parallel_for(static_cast<int64_t>(kept.size()), 64, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      CocoObject& object = truth.objects[i];
      object.mask = mask_of(kept[i], truth.images[static_cast<size_t>(object.image)], {path, "annotations", numbers_in_file[i]});
    }
  });
  return truth;
}

std::vector<CocoObject> read_coco_detections(const fs::path& path, const CocoTruth& truth, CocoType type, int threads) {
  dom::parser parser;
  dom::array document;
  if (parse(parser, path).get_array().get(document)) fail_input("{}: is not a list of detections", path.string());
  const auto list = elements_of(document);
  const auto images = index_of(truth.images), categories = index_of(truth.categories);
  dom::array first_box;
  const bool have_boxes = !list.empty() && !list[0]["bbox"].get_array().get(first_box) && first_box.size() > 0;
  std::vector<CocoObject> all(list.size());
  std::vector<uint8_t> is_kept(list.size());
  parallel_for(static_cast<int64_t>(list.size()), 64, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const Place place{path, "detections", i};
      const int64_t image_id = integer(list[i], "image_id", place);
      const auto image = images.find(image_id), category = categories.find(integer(list[i], "category_id", place));
      if (image == images.end()) place.refuse(fmt::format("is of image {}, which the ground truth lacks", image_id));
      if (category == categories.end()) continue;
      is_kept[i] = 1;
      CocoObject& d = all[i];
      d.id = static_cast<int64_t>(i) + 1;
      d.image = image->second, d.category = category->second;
      d.score = number(list[i], "score", place);
      const CocoTruth::Image& size = truth.images[static_cast<size_t>(d.image)];
      dom::element segmentation;
      const bool has_mask = !list[i]["segmentation"].get(segmentation);
      if (have_boxes) {
        d.box = box(list[i], place);
        d.area = d.box[2] * d.box[3];
        if (type == CocoType::segm)
          d.mask = has_mask ? mask_of(list[i], size, place) : mask_of_polygons({polygon_of_box(d.box)}, size.height, size.width);
      } else {
        d.mask = mask_of(list[i], size, place);
        d.area = static_cast<double>(area_of(d.mask));
        dom::element given;
        d.box = !list[i]["bbox"].get(given) ? box(list[i], place) : box_of(d.mask);
      }
    }
  });
  std::vector<CocoObject> detections;
  for (size_t i = 0; i < all.size(); ++i)
    if (is_kept[i] != 0) detections.push_back(std::move(all[i]));
  return detections;
}

}  // namespace boxseg
