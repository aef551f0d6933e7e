#include "common/data/formats/cvat/cvat_boxes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/cvat/cvat_shapes.h"
#include "common/data/formats/no_class.h"
#include "common/data/formats/xml_file.h"

namespace boxseg {
namespace {

// What is told once for the whole file.
struct Doubts {
  std::map<std::string, Tally> other_shapes, other_elements;  // by the element's name
  Tally turned, in_groups, unknown_labels;
};

// Of all <labels> of <meta>, wherever they stand in it. CVAT lists the points of a skeleton among them, with a
// <parent>.
std::vector<std::string> read_labels(const pugi::xml_node& meta) {
  std::vector<std::string> names;
  struct Finder : pugi::xml_tree_walker {
    std::vector<std::string>* names = nullptr;
    bool for_each(pugi::xml_node& node) override {
      if (std::string_view(node.name()) != "label" || std::string_view(node.parent().name()) != "labels") return true;
      const std::string name(trim(node.child("name").text().get()));
      if (!name.empty() && !node.child("parent") && !is_no_class(name) &&
          std::find(names->begin(), names->end(), name) == names->end())
        names->push_back(name);
      return true;
    }
  } finder;
  finder.names = &names;
  pugi::xml_node(meta).traverse(finder);
  return names;
}

// Of two texts, each of which may be absent: "".
ImageSize read_size(std::string_view width, std::string_view height, const std::string& where) {
  width = trim(width), height = trim(height);
  if ((width.empty() || width == "0") && (height.empty() || height == "0")) return {};
  const auto side = [&](std::string_view text, const char* name) {
    const double value = read_box_number(text, name, where);
    if (value < 1 || value != std::floor(value))
      fail_input("{}: {} is {}, expected a number of pixels; correct it to the image's size", where, name, text);
    return static_cast<int64_t>(value);
  };
  return {side(height, "height"), side(width, "width")};
}

ImageSize read_original_size(const pugi::xml_node& meta, const fs::path& file) {
  const pugi::xml_node size =
      meta.find_node([](const pugi::xml_node& node) { return std::string_view(node.name()) == "original_size"; });
  return read_size(size.child("width").text().get(), size.child("height").text().get(),
                   file.string() + ": <original_size>");
}

void look_at(const pugi::xml_node& shape, const std::string& where, Doubts& doubts) {
  if (is_turned_cvat_box(shape)) doubts.turned.add(where);
  const std::string_view group = shape.attribute("group_id").value();
  if (!group.empty() && group != "0") doubts.in_groups.add(where);
}

void read_shapes(const pugi::xml_node& element, AnnotatedImage& image, BoxAnnotations& all, Doubts& doubts) {
  const std::string place_of_image = fmt::format("image '{}'", visible(image.name));
  std::map<std::string, int64_t> number_of;  // within the image, 1-based
  for (const pugi::xml_node shape : element.children()) {
    if (shape.type() != pugi::node_element) continue;
    const std::string kind = shape.name();
    const std::string place = fmt::format("{}: {} {}", place_of_image, kind, ++number_of[kind]);
    const std::string where = image.file.string() + ": " + place;
    if (!is_cvat_box(kind)) {
      doubts.other_shapes[kind].add(where);
      continue;
    }
    try {
      AnnotatedBox box = read_cvat_shape(shape, image.size, where);
      box.place = place;
      image.boxes.push_back(std::move(box));
      look_at(shape, where, doubts);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      all.bad_boxes.emplace_back(e.what());
    }
  }
}

void read_images(const pugi::xml_node& root, const fs::path& file, BoxAnnotations& all, Doubts& doubts) {
  const ImageSize original_size = read_original_size(root.child("meta"), file);
  int64_t position = 0;
  for (const pugi::xml_node element : root.children("image")) {
    throw_if_interrupted();
    ++position;
    AnnotatedImage image;
    image.file = file;
    image.name = element.attribute("name").value();
    image.id = element.attribute("id").value();
    if (trim(image.name).empty())
      fail_input("{}: image {} has no name; add name=\"...\" of its photograph, or remove the image", file.string(),
                 position);
    image.size = read_size(element.attribute("width").value(), element.attribute("height").value(),
                           fmt::format("{}: image '{}'", file.string(), visible(image.name)));
    if (image.size == ImageSize{}) image.size = original_size;
    read_shapes(element, image, all, doubts);
    all.images.push_back(std::move(image));
  }
  if (all.images.empty())
    fail_input("{}: has no <image> in <annotations>: no export of CVAT for images; export it again", file.string());
}

// The classes of the boxes that <labels> lacks come last, sorted.
void add_unknown_labels(BoxAnnotations& all, Doubts& doubts) {
  const std::set<std::string> known(all.class_names.begin(), all.class_names.end());
  std::set<std::string> unknown;
  for (const AnnotatedImage& image : all.images)
    for (const AnnotatedBox& box : image.boxes)
      if (known.count(box.class_name) == 0) {
        unknown.insert(box.class_name);
        doubts.unknown_labels.add(
            fmt::format("{}: {} with '{}'", image.file.string(), box.place, visible(box.class_name)));
      }
  all.class_names.insert(all.class_names.end(), unknown.begin(), unknown.end());
}

std::vector<std::string> sentences_of(const Doubts& doubts, bool has_labels) {
  std::vector<std::string> sentences;
  for (const auto& [kind, t] : doubts.other_shapes)
    sentences.push_back(fmt::format("{} without a box that could be taken, and left out, the first is {}",
                                    t.counted("<" + kind + "> is", "<" + kind + "> are"), t.first));
  for (const auto& [name, t] : doubts.other_elements)
    sentences.push_back(fmt::format("{}: {} in <annotations> and not known: nothing of it is read", t.first,
                                    t.counted("<" + name + "> is", "<" + name + "> are")));
  if (const Tally& t = doubts.turned; t.count > 0)
    sentences.push_back(
        fmt::format("{} turned, the first is {}; the upright box around it is taken, and the turned one as its outline",
                    t.counted("box is", "boxes are"), t.first));
  if (const Tally& t = doubts.in_groups; t.count > 0)
    sentences.push_back(fmt::format("{} in a group (group_id), the first is {}; each is taken as an object of its own",
                                    t.counted("shape is", "shapes are"), t.first));
  if (const Tally& t = doubts.unknown_labels; t.count > 0 && has_labels)
    sentences.push_back(fmt::format("{} of a label that <labels> in <meta> lacks, the first is {}; it comes last",
                                    t.counted("shape is", "shapes are"), t.first));
  return sentences;
}

}  // namespace

BoxAnnotations read_cvat_boxes(const fs::path& file) {
  pugi::xml_document document;
  read_xml(file, document);
  const pugi::xml_node root = only_root(document, "annotations", "file of CVAT", file);
  if (root.child("track"))
    fail_input(
        "{}: holds <track>: this is \"CVAT for video\", whose boxes are of frames; export the task again as \"CVAT for "
        "images 1.1\"",
        file.string());
  BoxAnnotations all;
  Doubts doubts;
  all.format = "CVAT XML";
  for (const pugi::xml_node element : root.children()) {
    const std::string name = element.name();
    if (element.type() == pugi::node_element && name != "version" && name != "meta" && name != "image")
      doubts.other_elements[name].add(file.string());
  }
  all.class_names = read_labels(root.child("meta"));
  all.has_class_order = !all.class_names.empty();
  read_images(root, file, all, doubts);
  add_unknown_labels(all, doubts);
  all.doubts = sentences_of(doubts, all.has_class_order);
  std::stable_sort(all.images.begin(), all.images.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

}  // namespace boxseg
