#include "common/data/formats/labelme/labelme_shape.h"

#include <algorithm>
#include <cmath>

#include "common/base/text.h"
#include "common/data/formats/coco/coco_outline.h"
#include "common/data/formats/no_class.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

constexpr double kFarthest = 1e6;  // of a point, in pixels: photographs are smaller

std::string label_in(const CocoEntry& shape) {
  const dom::element found = shape.get("label");
  std::string_view label;
  if (found.get_string().get(label) || trim(label).empty())
    shape.refuse(
        fmt::format("has {} as 'label', expected the name of a class; write it, or remove the shape", shown(found)));
  return std::string(trim(label));
}

std::string type_in(const CocoEntry& shape) {
  dom::element found;
  std::string_view type;
  if (!shape.find("shape_type", found) || found.is_null()) return "polygon";
  if (found.get_string().get(type)) shape.refuse(fmt::format("has {} as 'shape_type', expected a text", shown(found)));
  return std::string(type);
}

// x, y, x, y, ...
std::vector<double> points_in(const CocoEntry& shape) {
  const dom::element found = shape.get("points");
  dom::array list;
  if (found.get_array().get(list))
    shape.refuse(fmt::format("has {} as 'points', expected [[x, y], ...]", shown(found)));
  std::vector<double> points;
  for (const dom::element point : list) {
    const std::vector<double> xy = numbers_of(point, "points", shape.place());
    if (xy.size() != 2) shape.refuse(fmt::format("has {} in 'points', expected [x, y]", shown(point)));
    for (const double x : xy) {
      if (!(std::abs(x) <= kFarthest)) shape.refuse(fmt::format("has {} in 'points', expected pixels of an image", x));
      points.push_back(x);
    }
  }
  return points;
}

// Whether four points are the corners of an upright rectangle, in any order.
bool is_upright(const std::vector<double>& points, const std::array<double, 4>& edges) {
  for (size_t i = 0; i < points.size(); ++i)
    if (std::abs(points[i] - edges[i % 2]) > 0.01 && std::abs(points[i] - edges[2 + i % 2]) > 0.01) return false;
  return true;
}

bool is_set(const dom::element& flag) {
  bool is_true = false;
  double number = 0;
  return !flag.get_bool().get(is_true) ? is_true : !flag.get_double().get(number) && number != 0;
}

// AnyLabeling has a field 'difficult'; LabelMe users have a flag of that name.
bool is_difficult(const CocoEntry& shape) {
  dom::element found, flag;
  dom::object flags;
  if (shape.find("difficult", found) && is_set(found)) return true;
  return shape.find("flags", found) && !found.get_object().get(flags) && !flags["difficult"].get(flag) && is_set(flag);
}

// Throws for a number of points that the type has not.
void require_points(const CocoEntry& shape, const std::string& type, size_t count) {
  const bool is_rectangle = type == "rectangle", is_turned = type == "rotation" || type == "oriented_rectangle";
  if (type == "circle" || type == "point" || type == "points" || type == "line" || type == "linestrip")
    shape.refuse(fmt::format(
        "is a {}, which has no box; draw a rectangle or a polygon around the object, or remove the shape", type));
  if (!is_rectangle && !is_turned && type != "polygon" && type != "mask")
    shape.refuse(fmt::format("has '{}' as 'shape_type', expected rectangle, polygon or mask", type));
  const bool fits = is_rectangle     ? count == 2 || count == 4
                    : is_turned      ? count == 4
                    : type == "mask" ? count == 2
                                     : count > 2;
  if (!fits)
    shape.refuse(fmt::format("is a {} of {} points, expected {}; draw it again, or remove it", type, count,
                             is_rectangle     ? "two or four"
                             : is_turned      ? "four"
                             : type == "mask" ? "two"
                                              : "three or more"));
}

}  // namespace

std::optional<LabelmeShape> read_labelme_shape(const CocoEntry& shape, size_t order, EntryDoubts& doubts) {
  const CocoPlace& place = shape.place();
  const auto doubt = [&](const char* kind, const std::string& what) {
    doubts.add(kind, order, fmt::format("{}: {}[{}] {}", place.file.string(), place.list, place.index, what));
  };
  LabelmeShape result;
  AnnotatedBox& box = result.box;
  box.class_name = label_in(shape);
  if (is_no_class(box.class_name)) {
    doubt("no class", fmt::format("has the label '{}', which is no class; it is left out", box.class_name));
    return std::nullopt;
  }
  const std::string type = type_in(shape);
  std::vector<double> points = points_in(shape);
  require_points(shape, type, points.size() / 2);
  const std::array<double, 4> edges = edges_of(points);
  box.x0 = edges[0], box.y0 = edges[1], box.x1 = edges[2], box.y1 = edges[3];
  box.is_difficult = is_difficult(shape);
  box.place = fmt::format("{}[{}]", place.list, place.index);
  if (type == "mask")
    doubt("mask", "is a mask: its box is that of its two points, and its pixels are not read");
  else if (points.size() == 8 && type != "polygon" && !is_upright(points, edges))
    doubt("turned", "is a rectangle that was turned: its box is what its corners span");
  if (box.x0 == box.x1 || box.y0 == box.y1)
    doubt("empty",
          fmt::format("has a box from ({}, {}) to ({}, {}), in which is no pixel", box.x0, box.y0, box.x1, box.y1));
  if (type != "rectangle" && type != "mask") box.rings.push_back(std::move(points));
  dom::element group;
  if (shape.find("group_id", group) && !group.is_null()) result.group = simdjson::minify(group);
  return result;
}

}  // namespace boxseg
