#include "common/data/formats/csv/via_region.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/csv/csv_columns.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

dom::object parse_object(dom::parser& parser, const std::string& json, const char* what, const std::string& where) {
  dom::element element;
  dom::object object;
  if (parser.parse(json).get(element) || element.get(object))
    fail_input("{}: {} is '{}', expected a JSON object as VIA writes it; export the file again, or remove the row",
               where, what, visible(json.substr(0, 60)));
  return object;
}

double checked(const dom::element& element, const std::string& what, const std::string& where) {
  double value = 0;
  if (element.get(value) || std::fabs(value) > 1e7)
    fail_input("{}: '{}' of the shape is {}, expected a number of pixels; correct it, or remove the row", where, what,
               simdjson::to_string(element));
  return value;
}

double number(const dom::object& shape, const char* key, const std::string& where) {
  dom::element element;
  if (shape[key].get(element)) fail_input("{}: the shape has no '{}'; add it, or remove the row", where, key);
  return checked(element, key, where);
}

std::vector<double> numbers(const dom::object& shape, const char* key, const std::string& where) {
  dom::array list;
  if (shape[key].get(list)) fail_input("{}: the shape has no list '{}'; add it, or remove the row", where, key);
  std::vector<double> values;
  for (const dom::element element : list) values.push_back(checked(element, key, where));
  return values;
}

void set_corners(double x0, double y0, double x1, double y1, AnnotatedBox& box) {
  box.x0 = x0;
  box.y0 = y0;
  box.x1 = x1;
  box.y1 = y1;
}

void read_polygon(const dom::object& shape, const std::string& where, AnnotatedBox& box) {
  const std::vector<double> xs = numbers(shape, "all_points_x", where), ys = numbers(shape, "all_points_y", where);
  if (xs.size() != ys.size() || xs.size() < 3)
    fail_input("{}: the polygon has {} x and {} y, expected as many, and three or more; correct it, or remove the row",
               where, xs.size(), ys.size());
  const auto [left, right] = std::minmax_element(xs.begin(), xs.end());
  const auto [top, bottom] = std::minmax_element(ys.begin(), ys.end());
  set_corners(*left, *top, *right, *bottom, box);
  std::vector<double>& ring = box.rings.emplace_back();
  for (size_t i = 0; i < xs.size(); ++i) {
    ring.push_back(xs[i]);
    ring.push_back(ys[i]);
  }
}

void read_ellipse(const dom::object& shape, const std::string& where, AnnotatedBox& box) {
  const double cx = number(shape, "cx", where), cy = number(shape, "cy", where);
  const double rx = number(shape, "rx", where), ry = number(shape, "ry", where);
  dom::element turned;
  const double theta = shape["theta"].get(turned) ? 0 : checked(turned, "theta", where);  // radians
  const double x = std::hypot(rx * std::cos(theta), ry * std::sin(theta));
  const double y = std::hypot(rx * std::sin(theta), ry * std::cos(theta));
  set_corners(cx - x, cy - y, cx + x, cy + y, box);
}

// The text of an attribute, or the name of the one checkbox that is set; "" for neither.
std::string value_of(const dom::element& element, const std::string& attribute, const std::string& where) {
  if (std::string_view text; !element.get(text)) return std::string(trim(text));
  dom::object boxes;
  if (element.get(boxes)) return element.is_null() ? "" : simdjson::to_string(element);
  std::vector<std::string> set;
  for (const auto& [name, value] : boxes)
    if (bool is_set = false; !value.get(is_set) && is_set) set.emplace_back(name);
  if (set.size() > 1)
    fail_input("{}: the attribute '{}' has several values ({}); leave one, or remove the row", where, attribute,
               join(set, ", "));
  return set.empty() ? "" : set[0];
}

}  // namespace

bool is_empty_via_shape(const std::string& json) {
  std::string marks;
  for (const char c : json)
    if (!trim(std::string_view(&c, 1)).empty()) marks += c;
  return marks.empty() || marks == "{}";
}

void read_via_shape(const std::string& json, const std::string& where, AnnotatedBox& box, Tally& round) {
  dom::parser parser;
  const dom::object shape = parse_object(parser, json, "the shape", where);
  std::string_view name;
  if (shape["name"].get(name)) fail_input("{}: the shape has no 'name'; export the file again", where);
  if (name == "rect") {
    const double x = number(shape, "x", where), y = number(shape, "y", where);
    set_corners(x, y, x + number(shape, "width", where), y + number(shape, "height", where), box);
  } else if (name == "polygon") {
    read_polygon(shape, where, box);
  } else if (name == "circle") {
    const double cx = number(shape, "cx", where), cy = number(shape, "cy", where), r = number(shape, "r", where);
    set_corners(cx - r, cy - r, cx + r, cy + r, box);
    round.add(where);
  } else if (name == "ellipse") {
    read_ellipse(shape, where, box);
    round.add(where);
  } else {
    fail_input("{}: the shape is a '{}', which is no box; draw a rect or a polygon, or remove the row", where,
               visible(name));
  }
}

ViaClass read_via_class(const std::string& json, const std::string& where) {
  dom::parser parser;
  std::vector<std::string> names, keys;
  std::vector<dom::element> values;
  if (!is_empty_via_shape(json))
    for (const auto& [name, value] : parse_object(parser, json, "the field of attributes", where)) {
      names.emplace_back(name);
      keys.push_back(column_key(names.back()));
      values.push_back(value);
    }
  if (names.empty())
    fail_input("{}: the region has no attributes, so no class; give it an attribute 'class', or remove the row", where);
  const int known = find_class_name(keys);
  if (known < 0 && names.size() > 1)
    fail_input("{}: which of the attributes {} is the class cannot be told; call it 'class'", where, join(names, ", "));
  const size_t at = known < 0 ? 0 : static_cast<size_t>(known);
  const std::string name = value_of(values[at], names[at], where);
  if (name.empty())
    fail_input("{}: the attribute '{}' is empty, so the region has no class; fill it in, or remove the row", where,
               names[at]);
  return {names[at], name};
}

}  // namespace boxseg
