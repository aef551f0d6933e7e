#include "common/data/label_doubts.h"

#include <algorithm>
#include <array>

#include "common/base/error.h"

namespace boxseg {

void LabelDoubts::look_at(const std::filesystem::path& path, const std::vector<Box>& boxes, const LabelMap& labels,
                          bool has_all_boxes, bool is_label_file) {
  if (is_label_file) colours_.look_at(path, labels);
  if (has_all_boxes) classes_.add(boxes, labels);
  std::array<bool, 256> holds{};
  for (const uint8_t value : labels.pixels) holds[value] = true;
  const bool has_object = std::find(holds.begin() + 1, holds.end() - 1, true) != holds.end() - 1;
  BoxFit fit;
  if (has_all_boxes) fit.add(path, boxes, labels);
  const std::lock_guard lock(mutex_);
  fit_.add(fit);
  ++maps_;
  maps_with_background_ += holds[0];
  maps_with_void_ += holds[255];
  with_boxes_ += !boxes.empty();
  if (!boxes.empty() || !has_all_boxes || !has_object) return;
  ++objects_without_box_;
  if (first_without_box_.empty() || path.string() < first_without_box_) first_without_box_ = path.string();
}

std::string LabelDoubts::doubt_on_background(const std::string& what) const {
  if (maps_with_void_ == 0 || maps_with_background_ > 0) return "";
  return fmt::format(
      "{}: none of {} holds the value 0, background: where they mean the background by 255, which is void here and "
      "never counted, write 0 for it",
      what, maps_);
}

std::string LabelDoubts::doubt_on_boxes(const std::string& what) const {
  if (objects_without_box_ == 0 || with_boxes_ == 0) return "";
  return fmt::format(
      "{}: {} image{} without a box {} objects there, such as {}: are their annotations empty by mistake (polygons, "
      "say, are no boxes)?",
      what, objects_without_box_, objects_without_box_ == 1 ? "" : "s", objects_without_box_ == 1 ? "has" : "have",
      first_without_box_);
}

std::vector<std::string> LabelDoubts::doubts(const std::string& what) const {
  std::vector<std::string> all = {colours_.doubt(), classes_.doubt(what), fit_.doubt(what), doubt_on_background(what),
                                  doubt_on_boxes(what)};
  std::erase(all, "");
  return all;
}

}  // namespace boxseg
