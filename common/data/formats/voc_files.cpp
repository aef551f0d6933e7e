#include "common/data/formats/voc_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <pugixml.hpp>
#include <unordered_map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/voc_layout.h"
#include "common/data/photo_folder.h"

namespace boxseg {
namespace {

// A text and nothing else: of "cat<b>fish</b>" and "cat<![CDATA[ fish]]>" a part would be lost.
std::string only_text(const pugi::xml_node& node, const std::string& where) {
  std::string text;
  for (const pugi::xml_node part : node.children()) {
    if (part.type() != pugi::node_pcdata && part.type() != pugi::node_cdata)
      fail_input("{}: <{}> holds <{}>, expected a text; correct it, or leave the image out of the list", where,
                 node.name(), part.name());
    text += part.value();
  }
  return std::string(trim(text));
}

// A number of the annotation, read as the authors do: float64 text, then float32.
float number(const pugi::xml_node& node, const char* name, const std::string& where) {
  const pugi::xml_node child = node.child(name);
  if (!child) fail_input("{} lacks <{}>; add it, or leave the image out of the list", where, name);
  if (child.next_sibling(name))
    fail_input("{} has two <{}>; remove one, or leave the image out of the list", where, name);
  const std::string text = only_text(child, where);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || std::fabs(value) > 1e6)
    fail_input("{}: <{}> is '{}', expected a number of pixels; correct it, or leave the image out of the list", where,
               name, text);
  return static_cast<float>(value);
}

// Tells a box that was turned after it was drawn: rolabelimg writes <robndbox> or <angle>, CVAT an attribute
// "rotation".
bool is_rotated(const pugi::xml_node& object) {
  const auto is_turned = [](const pugi::xml_node& angle) { return angle && angle.text().as_double() != 0; };
  if (object.child("robndbox") || is_turned(object.child("angle")) || is_turned(object.child("bndbox").child("angle")))
    return true;
  for (const pugi::xml_node attribute : object.child("attributes").children("attribute"))
    if (lower_case(trim(attribute.child("name").text().get())) == "rotation" && is_turned(attribute.child("value")))
      return true;
  return false;
}

// Corners as shares of width and height, as YOLO and others write them: each would be one pixel in the corner.
bool has_shares(const Box& box) {
  const auto is_share = [](float value) { return value >= 0 && value <= 1; };
  const auto is_fraction = [](float value) { return value != std::floor(value); };
  return is_share(box.x0) && is_share(box.y0) && is_share(box.x1) && is_share(box.y1) &&
         (is_fraction(box.x0) || is_fraction(box.y0) || is_fraction(box.x1) || is_fraction(box.y1));
}

ImageSize read_size(const pugi::xml_node& annotation, const fs::path& path) {
  const pugi::xml_node size = annotation.child("size");
  if (!size)
    fail_input(
        "{}: has no <size>; add <size><width>W</width><height>H</height></size> with the image's size, or leave the "
        "image out of the list",
        path.string());
  const std::string where = path.string() + ": <size>";
  const float width = number(size, "width", where), height = number(size, "height", where);
  if (width == 0 && height == 0) return {};
  if (width < 1 || height < 1 || width != std::floor(width) || height != std::floor(height))
    fail_input("{} is {}x{}; correct it to the image's size", where, width, height);
  return {static_cast<int64_t>(height), static_cast<int64_t>(width)};
}

// Throws bad_input.
Box read_box(const pugi::xml_node& corners, const std::string& where) {
  const Box box{number(corners, "xmin", where), number(corners, "ymin", where), number(corners, "xmax", where),
                number(corners, "ymax", where)};
  const auto check = [&](float low, float high, char axis) {
    if (low > high)
      fail_input("{}: the box is inverted: {}min {}, {}max {}; correct it, or leave the image out of the list", where,
                 axis, low, axis, high);
  };
  check(box.x0, box.x1, 'x');
  check(box.y0, box.y1, 'y');
  if (has_shares(box))
    fail_input(
        "{}: the box ({}, {}, {}, {}) is in shares of the image, not in pixels; multiply by width and height, or leave "
        "the image out of the list",
        where, box.x0, box.y0, box.x1, box.y1);
  return box;
}

void read_object(const pugi::xml_node& object, int64_t position, const fs::path& path,
                 const std::vector<std::string>& class_names, VocAnnotation& annotation) {
  const std::string number_of_object = fmt::format("{}: object {}", path.string(), position);
  const std::string name = only_text(object.child("name"), number_of_object);
  const std::string where = number_of_object + (name.empty() ? "" : " (" + name + ")");
  if (name.empty()) fail_input("{} lacks <name>; add it, or leave the image out of the list", where);
  if (object.child("name").next_sibling("name"))
    fail_input("{} has two <name>; make two objects of it, or leave the image out of the list", where);
  if (!object.child("bndbox")) fail_input("{} lacks <bndbox>; add it, or leave the image out of the list", where);
  const auto found = std::find(class_names.begin() + 1, class_names.end(), name);
  if (found == class_names.end()) ++annotation.unknown_classes[name];
  const bool is_difficult = trim(object.child("difficult").text().get()) == "1";
  if (annotation.rotated.empty() && is_rotated(object)) annotation.rotated = where;
  for (const pugi::xml_node corners : object.children("bndbox")) try {
      Box box = read_box(corners, where);
      box.class_id = found == class_names.end() ? -1 : found - class_names.begin();
      box.is_difficult = is_difficult;
      annotation.boxes.push_back(box);
      annotation.object_of_box.push_back(position);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      annotation.bad_boxes.emplace_back(e.what());
    }
}

// A text would end at a zero, which XML does not allow: "1&#0;0" would be 1.
void require_no_zero(std::string_view bytes, const fs::path& path) {
  constexpr std::string_view kReference = "&#";
  for (size_t at = 0; (at = bytes.find(kReference, at)) != std::string_view::npos;) {
    const size_t start = at;
    at += kReference.size();
    if (at < bytes.size() && bytes[at] == 'x') ++at;
    const size_t digits = at;
    while (at < bytes.size() && bytes[at] == '0') ++at;
    if (at > digits && at < bytes.size() && bytes[at] == ';')
      fail_input("{}: '{}' at byte {} stands for the character 0, which no XML holds; correct it", path.string(),
                 bytes.substr(start, at + 1 - start), start);
  }
}

// What stands where it should, so that nothing is passed over in silence.
void check_structure(const pugi::xml_document& document, const pugi::xml_node& root, const fs::path& path) {
  for (const pugi::xml_node other : document.children())
    if (other.type() == pugi::node_element && other != root)
      fail_input("{}: <{}> follows or precedes <annotation>: two documents in one file; keep one", path.string(),
                 other.name());
  struct Misplaced : pugi::xml_tree_walker {
    pugi::xml_node found;
    bool for_each(pugi::xml_node& node) override {
      const std::string name = lower_case(node.name());
      if (name == "object" || name == "objects") {
        const bool is_at_its_place = depth() == 0 && std::string_view(node.name()) == "object";
        if (!is_at_its_place && node.first_child()) found = node;
      } else if (name == "bndbox" && !is_read(node)) {
        found = node;
      }
      return !found;
    }
    // The box of an object; those of its parts (VOC's heads, hands and feet) are not wanted.
    static bool is_read(const pugi::xml_node& box) {
      const std::string_view parent = box.parent().name();
      return std::string_view(box.name()) == "bndbox" && (parent == "object" || parent == "part");
    }
  } misplaced;
  pugi::xml_node(root).traverse(misplaced);
  if (misplaced.found)
    fail_input(
        "{}: <{}> stands in <{}>, where it is not read; each object is an <object> directly in <annotation>, with "
        "a <bndbox>",
        path.string(), misplaced.found.name(), misplaced.found.parent().name());
}

// The id in "/JPEGImages/a b.Jpg /SegmentationClass/a b.png", or "" for a line of another kind.
std::string id_of_paths(const std::string& line) {
  const std::string folder = "JPEGImages/";
  const size_t at = line.find(folder);
  if (at != 0 && at != line.find('/') + 1) return "";
  const std::string in_lower_case = lower_case(line);
  for (const std::string& suffix : image_suffixes()) {
    const size_t end = in_lower_case.find(suffix, at + folder.size());
    if (end == std::string::npos) continue;
    const size_t after = end + suffix.size();
    if (after == line.size() || line[after] == ' ' || line[after] == '\t')
      return line.substr(at + folder.size(), end - at - folder.size());
  }
  return "";
}

struct Flagged {
  std::string id;
  int flag;
};
// "ID 1", "ID 0", "ID -1"; id "" for a line of another kind.
Flagged with_flag(const std::string& line) {
  const size_t blank = line.find_last_of(" \t");
  if (blank == std::string::npos) return {};
  const std::string last = line.substr(blank + 1);
  if (last != "1" && last != "0" && last != "-1") return {};
  return {std::string(trim(line.substr(0, blank))), last == "-1" ? -1 : last[0] - '0'};
}

}  // namespace

VocAnnotation read_voc_annotation(const fs::path& path, const std::vector<std::string>& class_names) {
  const std::string bytes = read_file(path);
  require_no_zero(bytes, path);
  pugi::xml_document document;
  if (const auto parsed = document.load_buffer(bytes.data(), bytes.size()); !parsed)
    fail_input("{}: is no well-formed XML: {} at byte {}; is the file whole?", path.string(), parsed.description(),
               parsed.offset);
  const pugi::xml_node root = document.child("annotation");
  if (!root) fail_input("{}: has no <annotation>: no VOC annotation", path.string());
  check_structure(document, root, path);
  VocAnnotation annotation;
  annotation.image_name = trim(root.child("filename").text().get());
  annotation.size = read_size(root, path);
  int64_t position = 0;
  for (const pugi::xml_node object : root.children("object")) try {
      read_object(object, ++position, path, class_names, annotation);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      annotation.bad_boxes.emplace_back(e.what());
    }
  return annotation;
}

std::vector<ListedImage> read_image_list(const fs::path& path,
                                         const std::function<bool(const std::string&)>& is_image) {
  std::vector<ListedImage> images;
  std::unordered_map<std::string, int64_t> line_of;
  int64_t line = 0;
  for (const std::string& content : split(read_text_file(path), '\n')) {
    ++line;
    if (content.empty()) continue;
    std::string id = id_of_paths(content);
    if (id.empty()) {
      const Flagged flagged = with_flag(content);
      const bool has_flag = !flagged.id.empty() && !is_image(content);
      if (has_flag && flagged.flag < 0) continue;
      id = has_flag ? flagged.id : content;
    }
    try {
      output_name(id);
    } catch (const Error& e) {
      fail_input("{}:{}: {}", path.string(), line, e.what());
    }
    if (const auto [at, is_new] = line_of.emplace(id, line); !is_new)
      fail_input("{}:{}: image '{}' stands in line {} already; remove one", path.string(), line, id, at->second);
    images.push_back({id, line});
  }
  if (images.empty()) fail_input("{}: names no image", path.string());
  return images;
}

}  // namespace boxseg
