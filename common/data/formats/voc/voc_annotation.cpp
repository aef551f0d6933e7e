#include "common/data/formats/voc/voc_annotation.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/formats/xml_file.h"

namespace boxseg {
namespace {

// Where something stands, and how the message ends that refuses it.
struct Place {
  std::string name;  // "FILE: object 3 (cat)"
  const std::string& other_remedy;
};

// A text and nothing else: of "cat<b>fish</b>" and "cat<![CDATA[ fish]]>" a part would be lost.
std::string only_text(const pugi::xml_node& node, const Place& at) {
  std::string text;
  for (const pugi::xml_node part : node.children()) {
    if (part.type() != pugi::node_pcdata && part.type() != pugi::node_cdata)
      fail_input("{}: <{}> holds <{}>, expected a text; correct it{}", at.name, node.name(), part.name(),
                 at.other_remedy);
    text += part.value();
  }
  return std::string(trim(text));
}

// A number of the annotation, read as the authors do: float64 text, then float32.
float number(const pugi::xml_node& node, const char* name, const Place& at) {
  const pugi::xml_node child = node.child(name);
  if (!child) fail_input("{} lacks <{}>; add it{}", at.name, name, at.other_remedy);
  if (child.next_sibling(name)) fail_input("{} has two <{}>; remove one{}", at.name, name, at.other_remedy);
  const std::string text = only_text(child, at);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || std::fabs(value) > 1e6)
    fail_input("{}: <{}> is '{}', expected a number of pixels; correct it{}", at.name, name, text, at.other_remedy);
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
bool has_shares(const VocBox& box) {
  const auto is_share = [](float value) { return value >= 0 && value <= 1; };
  const auto is_fraction = [](float value) { return value != std::floor(value); };
  const float corners[] = {box.xmin, box.ymin, box.xmax, box.ymax};
  return std::all_of(std::begin(corners), std::end(corners), is_share) &&
         std::any_of(std::begin(corners), std::end(corners), is_fraction);
}

ImageSize read_size(const pugi::xml_node& annotation, const fs::path& path, const VocAnnotationRules& rules) {
  const pugi::xml_node size = annotation.child("size");
  if (!size && !rules.needs_size) return {};
  if (!size)
    fail_input("{}: has no <size>; add <size><width>W</width><height>H</height></size> with the image's size{}",
               path.string(), rules.other_remedy);
  const Place at{path.string() + ": <size>", rules.other_remedy};
  const float width = number(size, "width", at), height = number(size, "height", at);
  if (width == 0 && height == 0) return {};
  if (width < 1 || height < 1 || width != std::floor(width) || height != std::floor(height))
    fail_input("{} is {}x{}; correct it to the image's size", at.name, width, height);
  return {static_cast<int64_t>(height), static_cast<int64_t>(width)};
}

// Fills in the corners. Throws bad_input.
void read_corners(const pugi::xml_node& corners, const Place& at, VocBox& box) {
  box.xmin = number(corners, "xmin", at);
  box.ymin = number(corners, "ymin", at);
  box.xmax = number(corners, "xmax", at);
  box.ymax = number(corners, "ymax", at);
  const auto check = [&](float low, float high, char axis) {
    if (low > high)
      fail_input("{}: the box is inverted: {}min {}, {}max {}; correct it{}", at.name, axis, low, axis, high,
                 at.other_remedy);
  };
  check(box.xmin, box.xmax, 'x');
  check(box.ymin, box.ymax, 'y');
  if (has_shares(box))
    fail_input("{}: the box ({}, {}, {}, {}) is in shares of the image, not in pixels; multiply by width and height{}",
               at.name, box.xmin, box.ymin, box.xmax, box.ymax, at.other_remedy);
}

void read_object(const pugi::xml_node& object, int64_t position, const fs::path& path, const VocAnnotationRules& rules,
                 VocAnnotation& annotation) {
  Place at{fmt::format("{}: object {}", path.string(), position), rules.other_remedy};
  VocBox box;
  box.class_name = only_text(object.child("name"), at);
  if (box.class_name.empty()) fail_input("{} lacks <name>; add it{}", at.name, at.other_remedy);
  at.name += " (" + box.class_name + ")";
  if (object.child("name").next_sibling("name"))
    fail_input("{} has two <name>; make two objects of it{}", at.name, at.other_remedy);
  if (!object.child("bndbox")) fail_input("{} lacks <bndbox>; add it{}", at.name, at.other_remedy);
  ++annotation.objects_of_class[box.class_name];
  box.is_difficult = trim(object.child("difficult").text().get()) == "1";
  box.object = position;
  if (annotation.rotated.empty() && is_rotated(object)) annotation.rotated = at.name;
  for (const pugi::xml_node corners : object.children("bndbox")) try {
      read_corners(corners, at, box);
      annotation.boxes.push_back(box);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      annotation.bad_boxes.emplace_back(e.what());
    }
}

// Objects stand where they should, so that nothing is passed over in silence.
void check_structure(const pugi::xml_node& root, const fs::path& path) {
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

}  // namespace

VocAnnotation read_voc_annotation(const fs::path& path, const VocAnnotationRules& rules) {
  pugi::xml_document document;
  read_xml(path, document);
  const pugi::xml_node root = only_root(document, "annotation", "VOC annotation", path);
  check_structure(root, path);
  VocAnnotation annotation;
  annotation.image_name = trim(root.child("filename").text().get());
  annotation.size = read_size(root, path, rules);
  int64_t position = 0;
  for (const pugi::xml_node object : root.children("object")) try {
      read_object(object, ++position, path, rules, annotation);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      annotation.bad_boxes.emplace_back(e.what());
    }
  return annotation;
}

}  // namespace boxseg
