#include "common/data/class_agreement.h"

#include <array>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/box_pixels.h"

namespace boxseg {
namespace {

constexpr uint8_t kVoidLabel = 255;

bool is_mostly_void(const LabelMap& labels, const PixelBox& box) {
  int64_t is_void = 0;
  for_each_pixel(box, labels.width, [&](size_t p) { is_void += labels.pixels[p] == kVoidLabel; });
  return 2 * is_void >= (box.y1 - box.y0) * (box.x1 - box.x0);
}

// Lists the first few names with their images, "'cat' (3 images), 'dog' (1 image)", and counts the rest.
class Listing {
 public:
  void add(const std::string& name, int64_t images) {
    constexpr int64_t kShown = 4;
    if (++names_ <= kShown) shown_.push_back(fmt::format("'{}' ({} image{})", name, images, images == 1 ? "" : "s"));
  }
  bool empty() const { return names_ == 0; }
  std::string text() const {
    const int64_t more = names_ - static_cast<int64_t>(shown_.size());
    return join(shown_, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
  }

 private:
  int64_t names_ = 0;
  std::vector<std::string> shown_;
};

}  // namespace

ClassAgreement::ClassAgreement(std::vector<std::string> class_names)
    : class_names_(std::move(class_names)), counts_(class_names_.size()) {}

void ClassAgreement::add(const std::vector<Box>& boxes, const LabelMap& labels) {
  if (boxes.empty()) return;
  std::array<bool, 256> is_label{};
  for (const uint8_t value : labels.pixels) is_label[value] = true;
  std::vector<Count> image(counts_.size());
  const auto pixels = pixel_boxes(boxes, {labels.height, labels.width}, BoxConvention::exact);
  for (size_t i = 0; i < boxes.size(); ++i) {
    const auto c = static_cast<size_t>(boxes[i].class_id);
    image[c].images_with_box = 1;
    ++image[c].boxes;
    image[c].boxes_of_void += !is_label[c] && is_mostly_void(labels, pixels[i]);
  }
  bool has_foreign_label = false;
  const std::lock_guard lock(mutex_);
  for (size_t c = 1; c < counts_.size(); ++c) {
    Count& all = counts_[c];
    all.images_with_box += image[c].images_with_box;
    all.images_with_label += is_label[c];
    all.images_with_both += is_label[c] && image[c].images_with_box > 0;
    all.boxes += image[c].boxes;
    all.boxes_of_void += image[c].boxes_of_void;
    has_foreign_label |= is_label[c] && image[c].images_with_box == 0;
  }
  ++images_;
  images_with_foreign_label_ += has_foreign_label;
}

std::string ClassAgreement::missing_in_labels() const {
  Listing missing;
  int64_t of_void = 0;
  for (size_t c = 1; c < counts_.size(); ++c) {
    if (counts_[c].images_with_box == 0 || counts_[c].images_with_both > 0) continue;
    missing.add(class_names_[c], counts_[c].images_with_box);
    of_void += counts_[c].boxes_of_void;
  }
  if (missing.empty()) return "";
  const std::string about_void =
      of_void == 0 ? ""
                   : fmt::format(
                         "; {} box{} filled with 255, which is void and not a class: where a mask of 0 and 255 means "
                         "background and object, write the class's number for 255",
                         of_void, of_void == 1 ? " is" : "es are");
  return fmt::format("none holds a class that their boxes name: {}{}", missing.text(), about_void);
}

std::string ClassAgreement::missing_in_boxes() const {
  Listing missing;
  for (size_t c = 1; c < counts_.size(); ++c)
    if (counts_[c].images_with_label > 0 && counts_[c].images_with_both == 0)
      missing.add(class_names_[c], counts_[c].images_with_label);
  if (!missing.empty()) return "they hold classes of which the same images have no box: " + missing.text();
  if (5 * images_with_foreign_label_ > images_)
    return fmt::format("in {} of {} images they hold a class of which the image has no box", images_with_foreign_label_,
                       images_);
  return "";
}

std::string ClassAgreement::doubt(const std::string& what) const {
  const std::string in_labels = missing_in_labels(), in_boxes = missing_in_boxes();
  if (in_labels.empty() && in_boxes.empty()) return "";
  std::string names;
  for (size_t c = 1; c < std::min<size_t>(class_names_.size(), 4); ++c)
    names += fmt::format("{}{} is '{}'", c > 1 ? ", " : "", c, class_names_[c]);
  return fmt::format(
      "{} and the boxes do not agree on classes: {}{}{}. Are the classes in the order of the label values ({}{})?",
      what, in_labels, in_labels.empty() || in_boxes.empty() ? "" : "; ", in_boxes, names,
      class_names_.size() > 4 ? ", ..." : "");
}

}  // namespace boxseg
