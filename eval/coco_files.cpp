#include "eval/coco_files.h"

#include <simdjson.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/parallel.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

// "annotations[7]" of a file: what an error names.
struct Place {
  const fs::path& file;
  const char* list;
  size_t index;
  [[noreturn]] void refuse(const std::string& what) const { fail_input("{}: {}[{}] {}", file.string(), list, index, what); }
};

// A file cut into the elements of its lists, each of which is then parsed alone: on any thread, and without a document of
// many times the file's size in memory.
struct CutFile {
  simdjson::padded_string text;
  std::map<std::string, std::vector<std::string_view>, std::less<>> lists;  // by name; "": the file itself is the list

  const std::vector<std::string_view>& list(const char* name, const fs::path& path) const {
    const auto found = lists.find(name);
    if (found == lists.end()) fail_input("{}: has no list '{}'; is it a COCO annotation file?", path.string(), name);
    return found->second;
  }
};

// These throw simdjson_error.
std::vector<std::string_view> elements_of(ondemand::array list) {
  std::vector<std::string_view> elements;
  for (auto element : list) elements.push_back(simdjson::to_json_string(element.value()).value());
  return elements;
}

void cut(ondemand::document& document, CutFile& file) {
  if (document.type() == ondemand::json_type::array) {
    file.lists[""] = elements_of(document.get_array());
  } else if (document.type() == ondemand::json_type::object) {
    for (auto field : document.get_object()) {
      const std::string_view name = field.unescaped_key();
      if (name != "images" && name != "categories" && name != "annotations") continue;
      ondemand::array list;
      if (!field.value().get_array().get(list)) file.lists[std::string(name)] = elements_of(list);
    }
  } else {
    return;  // a number, say: no list is found in it
  }
  const char* rest = nullptr;
  if (!document.current_location().get(rest)) throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
}

CutFile cut_file(const fs::path& path) {
  if (!fs::exists(path)) fail_input("{}: no such file", path.string());
  CutFile file;
  try {
    file.text = simdjson::padded_string::load(path.string());
    ondemand::parser parser;
    ondemand::document document = parser.iterate(file.text);
    cut(document, file);
  } catch (const simdjson::simdjson_error& error) {
    fail_input("{}: is no JSON: {}", path.string(), error.what());
  }
  return file;
}

// Calls use(i, element i) for all on some threads; elements end with their call.
template <class Use>
void for_each_element(const std::vector<std::string_view>& list, const fs::path& path, const char* name, int threads, const Use& use) {
  parallel_for(static_cast<int64_t>(list.size()), 256, threads, [&](int64_t begin, int64_t end) {
    dom::parser parser;
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const Place place{path, name, i};
      dom::element element;
      if (const auto error = parser.parse(list[i].data(), list[i].size(), false).get(element))
        place.refuse(fmt::format("is no JSON: {}", simdjson::error_message(error)));
      use(i, element, place);
    }
  });
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

// From ids to indices; -1 for an id that is not there.
template <class Entry>
auto index_of(const std::vector<Entry>& entries) {
  std::unordered_map<int64_t, int64_t> index;
  for (size_t i = 0; i < entries.size(); ++i) index.emplace(entries[i].id, i);
  return [index = std::move(index)](int64_t id) {
    const auto found = index.find(id);
    return found == index.end() ? int64_t{-1} : found->second;
  };
}

template <class Entry>
void sort_by_id(std::vector<Entry>& entries, const fs::path& path, const char* what) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto twice = std::adjacent_find(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.id == b.id; });
  if (twice != entries.end()) fail_input("{}: {} id {} stands twice", path.string(), what, twice->id);
}

// Objects whose image and category are there.
std::vector<CocoObject> kept(std::vector<CocoObject>&& all) {
  std::erase_if(all, [](const CocoObject& object) { return object.image < 0; });
  return std::move(all);
}

CocoTruth truth_of(const CutFile& file, const fs::path& path, CocoType type, int threads) {
  CocoTruth truth;
  const auto& images = file.list("images", path);
  truth.images.resize(images.size());
  for_each_element(images, path, "images", threads, [&](size_t i, const dom::element& image, const Place& place) {
    truth.images[i] = {integer(image, "id", place), integer(image, "height", place), integer(image, "width", place)};
  });
  const auto& categories = file.list("categories", path);
  truth.categories.resize(categories.size());
  for_each_element(categories, path, "categories", threads, [&](size_t i, const dom::element& category, const Place& place) {
    std::string_view name;
    if (category["name"].get_string().get(name)) name = "";
    truth.categories[i] = {integer(category, "id", place), std::string(name)};
  });
  sort_by_id(truth.images, path, "image");
  sort_by_id(truth.categories, path, "category");
  const auto image_of = index_of(truth.images);
  const auto category_of = index_of(truth.categories);
  const auto& annotations = file.list("annotations", path);
  truth.objects.resize(annotations.size());
  for_each_element(annotations, path, "annotations", threads, [&](size_t i, const dom::element& annotation, const Place& place) {
    CocoObject& object = truth.objects[i];
    object.id = integer(annotation, "id", place);
    object.image = image_of(integer(annotation, "image_id", place)), object.category = category_of(integer(annotation, "category_id", place));
    if (object.category < 0) object.image = -1;
    if (object.image < 0) return;  // COCOeval does not look at those either
    object.area = number(annotation, "area", place);
    int64_t crowd = 0;
    object.is_crowd = !annotation["iscrowd"].get_int64().get(crowd) && crowd != 0;
    if (type == CocoType::segm) object.mask = mask_of(annotation, truth.images[static_cast<size_t>(object.image)], place);
    object.box = type == CocoType::segm ? box_of(object.mask) : box(annotation, place);
  });
  std::unordered_set<int64_t> seen;
  seen.reserve(truth.objects.size());
  for (size_t i = 0; const CocoObject& object : truth.objects) {
    const Place place{path, "annotations", i++};
    if (!seen.insert(object.id).second) place.refuse(fmt::format("has the id {} of another one; ids must differ", object.id));
  }
  truth.objects = kept(std::move(truth.objects));
  return truth;
}

std::vector<CocoObject> detections_of(const CutFile& file, const fs::path& path, const CocoTruth& truth, CocoType type, int threads) {
  const auto found = file.lists.find("");
  if (found == file.lists.end()) fail_input("{}: is not a list of detections", path.string());
  const auto& list = found->second;
  const auto image_of = index_of(truth.images);
  const auto category_of = index_of(truth.categories);
  bool have_boxes = false;
  for_each_element({list.begin(), list.begin() + (list.empty() ? 0 : 1)}, path, "detections", 1, [&](size_t, const dom::element& first, const Place&) {
    dom::array box;
    have_boxes = !first["bbox"].get_array().get(box) && box.size() > 0;
  });
  std::vector<CocoObject> detections(list.size());
  for_each_element(list, path, "detections", threads, [&](size_t i, const dom::element& detection, const Place& place) {
    CocoObject& d = detections[i];
    const int64_t image_id = integer(detection, "image_id", place);
    d.id = static_cast<int64_t>(i) + 1;
    d.image = image_of(image_id), d.category = category_of(integer(detection, "category_id", place));
    if (d.image < 0) place.refuse(fmt::format("is of image {}, which the ground truth lacks", image_id));
    if (d.category < 0) {
      d.image = -1;
      return;
    }
    d.score = number(detection, "score", place);
    const CocoTruth::Image& size = truth.images[static_cast<size_t>(d.image)];
    dom::element given;
    if (have_boxes) {
      d.box = box(detection, place);
      d.area = d.box[2] * d.box[3];
      if (type == CocoType::bbox) return;
      d.mask = !detection["segmentation"].get(given) ? mask_of(detection, size, place)
                                                     : mask_of_polygons({polygon_of_box(d.box)}, size.height, size.width);
      d.box = box_of(d.mask);
    } else {
      d.mask = mask_of(detection, size, place);
      d.area = static_cast<double>(area_of(d.mask));
      d.box = type == CocoType::bbox && !detection["bbox"].get(given) ? box(detection, place) : box_of(d.mask);
    }
  });
  return kept(std::move(detections));
}

}  // namespace

CocoFiles read_coco_files(const fs::path& truth, const fs::path& detections, CocoType type, int threads) {
  const fs::path* paths[2] = {&truth, &detections};
  CutFile files[2];
  parallel_for(2, 1, threads, [&](int64_t i, int64_t) { files[i] = cut_file(*paths[i]); });
  CocoFiles read;
  read.truth = truth_of(files[0], truth, type, threads);
  files[0] = CutFile();
  read.detections = detections_of(files[1], detections, read.truth, type, threads);
  return read;
}

}  // namespace boxseg
