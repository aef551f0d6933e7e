#include "common/data/formats/coco/coco_annotation.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/data/formats/coco/coco_outline.h"

namespace boxseg {
namespace {

namespace dom = simdjson::dom;

constexpr double kFarthest = 1e6;  // of an edge, in pixels: photographs are smaller

using Edges = std::array<double, 4>;  // left, top, right, bottom

std::string shown_box(const Edges& e) {
  return fmt::format("the box [{:g}, {:g}, {:g}, {:g}]", e[0], e[1], e[2] - e[0], e[3] - e[1]);
}

// One annotation, and where its doubts go.
class Annotation {
 public:
  Annotation(const CocoEntry& entry, ImageSize image, EntryDoubts& doubts)
      : entry_(entry), image_(image), doubts_(doubts) {}

  AnnotatedBox read() {
    AnnotatedBox box;
    CocoOutline outline = outline_in(entry_, image_);
    const std::optional<Edges> spanned = outline.edges();
    const Edges edges = edges_in(outline, spanned);
    box.x0 = edges[0], box.y0 = edges[1], box.x1 = edges[2], box.y1 = edges[3];
    box.id = id();
    box.place = fmt::format("{}[{}]", entry_.place().list, entry_.place().index);
    box.is_crowd = has_flag("iscrowd");
    const bool is_ignored = has_flag("ignore");
    box.is_difficult = has_flag("difficult") || is_ignored;
    if (is_ignored) doubt("ignored", "has the flag 'ignore': the box is taken as a difficult one");
    look_at(edges, outline, spanned);
    if (!outline.mask.runs.empty()) box.runs_size = {outline.mask.height, outline.mask.width};
    box.rings = std::move(outline.rings);
    box.runs = std::move(outline.mask.runs);
    return box;
  }

 private:
  void doubt(const char* kind, const std::string& what) {
    const CocoPlace& place = entry_.place();
    doubts_.add(kind, place.index, fmt::format("{}: {}[{}] {}", place.file.string(), place.list, place.index, what));
  }

  Edges edges_in(const CocoOutline& outline, const std::optional<Edges>& spanned) {
    dom::element found;
    dom::array list;
    const bool has_box =
        entry_.find("bbox", found) && !found.is_null() && (found.get_array().get(list) || list.size() > 0);
    if (has_box) return edges_of_box(found);
    if (!spanned && !outline.trouble.empty()) entry_.refuse("has no 'bbox', and " + outline.trouble);
    if (!spanned)
      entry_.refuse(
          "has neither 'bbox' nor 'segmentation' to tell where it is; add 'bbox': [x, y, width, height], or leave the "
          "annotation out");
    doubt("no bbox", "has no 'bbox': its box is what its 'segmentation' spans");
    return *spanned;
  }

  Edges edges_of_box(const dom::element& found) const {
    const std::vector<double> b = numbers_of(found, "bbox", entry_.place());
    if (b.size() != 4) entry_.refuse(fmt::format("has a 'bbox' of {} numbers, expected x, y, width, height", b.size()));
    for (const double x : b)
      if (!(std::abs(x) <= kFarthest))
        entry_.refuse(fmt::format("has {} in 'bbox', expected pixels of an image; correct it, or leave it out", x));
    if (b[2] < 0 || b[3] < 0)
      entry_.refuse(fmt::format(
          "has the box [{}, {}, {}, {}], of which the {} is negative; 'bbox' is x, y, width, height: correct it, or "
          "leave the annotation out",
          b[0], b[1], b[2], b[3], b[2] < 0 ? "width" : "height"));
    return {b[0], b[1], b[0] + b[2], b[1] + b[3]};
  }

  // Ids are for messages alone, and may be missing.
  std::string id() const {
    dom::element found;
    int64_t number = 0;
    std::string_view text;
    if (!entry_.find("id", found)) return "";
    if (whole_number(found, number)) return std::to_string(number);
    return found.get_string().get(text) ? "" : std::string(text);
  }

  bool has_flag(const char* field) {
    dom::element found;
    bool flag = false;
    double number = 0;
    if (!entry_.find(field, found) || found.is_null()) return false;
    if (!found.get_bool().get(flag)) return flag;
    if (!found.get_double().get(number)) return number != 0;
    doubt(field, fmt::format("has {} as '{}', expected 0 or 1; it is taken as 0", shown(found), field));
    return false;
  }

  // CVAT writes rectangles that were turned as upright ones, with their angle in degrees.
  bool is_rotated() const {
    dom::element found, angle;
    dom::object attributes;
    double degrees = 0;
    return entry_.find("attributes", found) && !found.get_object().get(attributes) &&
           !attributes["rotation"].get(angle) && !angle.get_double().get(degrees) && degrees != 0;
  }

  void look_at(const Edges& e, const CocoOutline& outline, const std::optional<Edges>& spanned) {
    if (!outline.trouble.empty())
      doubt("outline", fmt::format("{}; the box is taken {}", outline.trouble,
                                   spanned ? "with the rest of its outline" : "without its outline"));
    if (e[0] == e[2] || e[1] == e[3]) doubt("empty box", fmt::format("has {}, in which is no pixel", shown_box(e)));
    if (is_rotated()) doubt("rotated", "is a rectangle that was turned: its box is taken as if it were upright");
    if (image_.width > 0 && image_.height > 0 &&
        (e[2] > static_cast<double>(image_.width) + 1 || e[3] > static_cast<double>(image_.height) + 1))
      doubt(kBeyondImage, fmt::format("has {}, which reaches beyond its image of {}x{} pixels; are these corners? "
                                      "'bbox' is x, y, width, height",
                                      shown_box(e), image_.width, image_.height));
    if (e[2] <= 1 && e[3] <= 1)
      doubt(kShareOfImage, fmt::format("has {}, as if in shares of the image; 'bbox' is in pixels", shown_box(e)));
    if (spanned && is_far(e, *spanned))
      doubt(kOtherThanOutline, fmt::format("has {}, and its 'segmentation' spans {}; which one is right?", shown_box(e),
                                           shown_box(*spanned)));
  }

  // By more than two pixels and a tenth of the outline.
  static bool is_far(const Edges& box, const Edges& outline) {
    for (size_t i = 0; i < 4; ++i) {
      const double side = i % 2 == 0 ? outline[2] - outline[0] : outline[3] - outline[1];
      if (std::abs(box[i] - outline[i]) > std::max(2., side / 10)) return true;
    }
    return false;
  }

  const CocoEntry& entry_;
  ImageSize image_;
  EntryDoubts& doubts_;
};

}  // namespace

AnnotatedBox read_coco_annotation(const CocoEntry& entry, ImageSize image, EntryDoubts& doubts) {
  return Annotation(entry, image, doubts).read();
}

}  // namespace boxseg
