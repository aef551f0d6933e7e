#include "common/data/formats/labelme/labelme_file.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/labelme/labelme_shape.h"

namespace boxseg {
namespace {

namespace ondemand = simdjson::ondemand;

// The fields of a file, of which the shapes are not parsed yet: one of them may hold NaN, which is no JSON.
struct Fields {
  bool has_shapes = false;
  std::vector<std::string_view> shapes;
  std::string image_path, width = "null", height = "null";  // the sides as JSON
};

// Throws simdjson_error.
Fields fields_of(ondemand::document& document) {
  Fields fields;
  for (auto field : document.get_object()) {
    const std::string_view name = field.unescaped_key();
    ondemand::value value = field.value();
    if (name == "shapes") {
      fields.shapes.clear();  // of a name that stands twice the last one counts
      ondemand::array list;
      fields.has_shapes = !value.get_array().get(list);
      if (!fields.has_shapes) continue;
      for (auto shape : list) fields.shapes.push_back(simdjson::to_json_string(shape.value()).value());
    } else if (name == "imagePath") {
      std::string_view path;
      fields.image_path = value.get_string().get(path) ? "" : path;
    } else if (name == "imageWidth" || name == "imageHeight") {
      (name == "imageWidth" ? fields.width : fields.height) = trim(value.raw_json_token());
    }
  }
  const char* rest = nullptr;
  if (!document.current_location().get(rest)) throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
  return fields;
}

// The file's text, with room behind it as simdjson wants it.
Fields read_fields(const std::string& text, size_t size, const fs::path& file) {
  Fields fields;
  try {
    ondemand::parser parser;
    ondemand::document document = parser.iterate(simdjson::padded_string_view(text.data(), size, text.size()));
    if (document.type() == ondemand::json_type::object) fields = fields_of(document);
  } catch (const simdjson::simdjson_error& error) {
    fail_input("{}: is no JSON: {}; is the file whole?", file.string(), error.what());
  }
  if (!fields.has_shapes) fail_input("{}: has no list 'shapes': it is no file of LabelMe", file.string());
  if (trim(fields.image_path).empty())
    fail_input("{}: has no text 'imagePath'; write the photograph's name there, from this file's folder",
               file.string());
  return fields;
}

// 0 x 0 where a side is missing or null.
ImageSize size_in(const Fields& fields, const fs::path& file, size_t order, EntryDoubts& doubts) {
  const auto side = [&](const std::string& json, const char* name) -> int64_t {
    if (json == "null") return 0;
    double pixels = -1;
    try {
      pixels = parse_number(json, name);
    } catch (const Error&) {
    }
    if (pixels >= 0 && pixels <= 1e6 && pixels == std::trunc(pixels)) return static_cast<int64_t>(pixels);
    doubts.add("size", order,
               fmt::format("{}: has {} as '{}', expected pixels; its size is taken from the photograph", file.string(),
                           json.substr(0, 40), name));
    return 0;
  };
  const ImageSize size{side(fields.height, "imageHeight"), side(fields.width, "imageWidth")};
  return size.height > 0 && size.width > 0 ? size : ImageSize{};
}

// A photograph that was renamed after it was annotated leaves its old name in the file.
void look_at_name(const std::string& image_path, const fs::path& file, size_t order, EntryDoubts& doubts) {
  const size_t slash = image_path.find_last_of("/\\");
  const std::string name = slash == std::string::npos ? image_path : image_path.substr(slash + 1);
  const std::string stem = name.substr(0, name.rfind('.'));
  if (stem == file.stem().string() || name == file.stem().string()) return;
  doubts.add("renamed", order,
             fmt::format("{}: is about '{}', a photograph of another name; was one of the two renamed?", file.string(),
                         image_path));
}

// Takes a shape into the object of its group: the box around both, and all rings, if both have some.
void join(AnnotatedBox& object, AnnotatedBox&& part) {
  object.x0 = std::min(object.x0, part.x0), object.y0 = std::min(object.y0, part.y0);
  object.x1 = std::max(object.x1, part.x1), object.y1 = std::max(object.y1, part.y1);
  object.is_difficult |= part.is_difficult;
  const bool is_outlined = !object.rings.empty() && !part.rings.empty();
  for (auto& ring : part.rings) object.rings.push_back(std::move(ring));
  if (!is_outlined) object.rings.clear();
}

}  // namespace

LabelmeImage read_labelme_file(const fs::path& file, size_t order, EntryDoubts& doubts) {
  std::string text = read_text_file(file);
  const size_t size = text.size();
  text.resize(size + simdjson::SIMDJSON_PADDING, ' ');
  const Fields fields = read_fields(text, size, file);
  LabelmeImage result;
  result.image.name = fields.image_path;
  result.image.file = file;
  result.image.size = size_in(fields, file, order, doubts);
  look_at_name(fields.image_path, file, order, doubts);
  std::vector<AnnotatedBox>& boxes = result.image.boxes;
  std::map<std::pair<std::string, std::string>, size_t> box_of_group;  // by label and group
  const auto use = [&](size_t, const CocoEntry& entry) {
    std::optional<LabelmeShape> shape = read_labelme_shape(entry, order, doubts);
    if (!shape) return;
    const auto [at, is_new] = box_of_group.emplace(std::pair(shape->box.class_name, shape->group), boxes.size());
    if (is_new || shape->group.empty()) {
      boxes.push_back(std::move(shape->box));
      return;
    }
    AnnotatedBox& object = boxes[at->second];
    doubts.add("group", order,
               fmt::format("{}: {} has the label and the 'group_id' {} of {}: they are taken as parts "
                           "of one object, with one box around them",
                           file.string(), shape->box.place, shape->group, object.place));
    join(object, std::move(shape->box));
  };
  const auto refused = [&](size_t, const Error& error) { result.bad_boxes.emplace_back(error.what()); };
  for_each_entry(fields.shapes, file, "shapes", 1, use, refused);
  return result;
}

}  // namespace boxseg
