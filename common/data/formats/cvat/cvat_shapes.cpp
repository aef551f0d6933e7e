#include "common/data/formats/cvat/cvat_shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/cvat/cvat_mask.h"
#include "common/data/formats/no_class.h"

namespace boxseg {
namespace {

const char* required(const pugi::xml_node& shape, const char* name, const std::string& where) {
  const pugi::xml_attribute attribute = shape.attribute(name);
  if (!attribute) fail_input("{}: lacks {}=\"...\"; add it, or remove the shape", where, name);
  return attribute.value();
}

double number(const pugi::xml_node& shape, const char* name, const std::string& where) {
  return read_box_number(required(shape, name, where), name, where);
}

std::string read_label(const pugi::xml_node& shape, const std::string& where) {
  const std::string label(trim(required(shape, "label", where)));
  if (label.empty()) fail_input("{}: its label is empty; name its class, or remove the shape", where);
  if (is_no_class(label))
    fail_input("{}: its label '{}' stands for what is no object; name its class, or remove the shape", where,
               visible(label));
  return label;
}

// The box around the points of a ring.
void enclose(const std::vector<double>& ring, AnnotatedBox& box) {
  box.x0 = box.x1 = ring[0];
  box.y0 = box.y1 = ring[1];
  for (size_t i = 2; i + 1 < ring.size(); i += 2) {
    box.x0 = std::min(box.x0, ring[i]);
    box.x1 = std::max(box.x1, ring[i]);
    box.y0 = std::min(box.y0, ring[i + 1]);
    box.y1 = std::max(box.y1, ring[i + 1]);
  }
}

// Degrees, clockwise as the image is seen.
void turn(AnnotatedBox& box, double degrees) {
  const auto without_dust = [](double value) { return std::fabs(value) < 1e-12 ? 0 : value; };  // of right angles
  const double angle = degrees * std::numbers::pi / 180;
  const double cosine = without_dust(std::cos(angle)), sine = without_dust(std::sin(angle));
  const double x = (box.x0 + box.x1) / 2, y = (box.y0 + box.y1) / 2;
  const double half_width = (box.x1 - box.x0) / 2, half_height = (box.y1 - box.y0) / 2;
  std::vector<double> ring;
  for (const auto& [right, down] : {std::pair{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}) {
    const double dx = right * half_width, dy = down * half_height;
    ring.push_back(x + dx * cosine - dy * sine);
    ring.push_back(y + dx * sine + dy * cosine);
  }
  enclose(ring, box);
  box.rings = {std::move(ring)};
}

void read_rectangle(const pugi::xml_node& shape, const std::string& where, AnnotatedBox& box) {
  box.x0 = number(shape, "xtl", where);
  box.y0 = number(shape, "ytl", where);
  box.x1 = number(shape, "xbr", where);
  box.y1 = number(shape, "ybr", where);
  check_box(box, where);
  const double degrees = shape.attribute("rotation") ? number(shape, "rotation", where) : 0;
  if (is_turned_cvat_box(shape)) turn(box, degrees);
}

// "x,y;x,y;..."
std::vector<double> read_points(const pugi::xml_node& shape, const std::string& where) {
  std::string_view text = trim(required(shape, "points", where));
  if (text.ends_with(';')) text.remove_suffix(1);
  std::vector<double> ring;
  for (const std::string& point : split(text, ';')) {
    const size_t comma = point.find(',');
    if (comma == std::string::npos || point.find(',', comma + 1) != std::string::npos)
      fail_input("{}: point {} is '{}', expected x,y; correct it, or remove the shape", where, ring.size() / 2 + 1,
                 visible(point));
    ring.push_back(read_box_number(std::string_view(point).substr(0, comma), "x of a point", where));
    ring.push_back(read_box_number(std::string_view(point).substr(comma + 1), "y of a point", where));
  }
  if (ring.size() < 6)
    fail_input("{}: has {} points, and a polygon at least 3; add the others, or remove the shape", where,
               ring.size() / 2);
  return ring;
}

void read_mask(const pugi::xml_node& shape, ImageSize image, const std::string& where, AnnotatedBox& box) {
  const auto whole = [&](const char* name) {
    const double value = number(shape, name, where);
    if (value != std::floor(value))
      fail_input("{}: {} is {}, expected a whole number; correct it, or remove the shape", where, name, value);
    return static_cast<int64_t>(value);
  };
  CvatMask mask;
  mask.left = whole("left");
  mask.top = whole("top");
  mask.width = whole("width");
  mask.height = whole("height");
  mask.runs = required(shape, "rle", where);
  box.runs = column_runs(mask, image, where);
  box.runs_size = image;
  box.x0 = static_cast<double>(mask.left);
  box.y0 = static_cast<double>(mask.top);
  box.x1 = static_cast<double>(mask.left + mask.width);
  box.y1 = static_cast<double>(mask.top + mask.height);
}

}  // namespace

bool is_cvat_box(std::string_view element) { return element == "box" || element == "polygon" || element == "mask"; }

bool is_turned_cvat_box(const pugi::xml_node& shape) {
  return std::string_view(shape.name()) == "box" && std::fmod(shape.attribute("rotation").as_double(), 360) != 0;
}

AnnotatedBox read_cvat_shape(const pugi::xml_node& shape, ImageSize image, const std::string& where) {
  AnnotatedBox box;
  box.class_name = read_label(shape, where);
  const std::string_view element = shape.name();
  if (element == "box") {
    read_rectangle(shape, where, box);
  } else if (element == "polygon") {
    box.rings = {read_points(shape, where)};
    enclose(box.rings[0], box);
    check_box(box, where);
  } else {
    ensure(element == "mask", "read_cvat_shape: <{}> is no shape with a box", element);
    read_mask(shape, image, where, box);
  }
  return box;
}

}  // namespace boxseg
