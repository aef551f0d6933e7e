#include "common/data/label_colours.h"

#include <algorithm>
#include <array>
#include <map>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/png_codec.h"

namespace boxseg {
namespace {

// Returns which of the dataset's class numbers and 255 has this colour in VOC's palette; -1 for none.
int meaning_of(const Color& colour, size_t classes) {
  for (size_t c = 0; c < classes; ++c)
    if (voc_palette()[c] == colour) return static_cast<int>(c);
  return colour == voc_palette()[255] ? 255 : -1;
}

}  // namespace

std::string renumbered_colours(const std::filesystem::path& path, const LabelMap& labels,
                               const std::vector<std::string>& class_names) {
  const std::string bytes = read_file(path);
  if (!bytes.starts_with("\x89PNG")) return "";
  const Palette palette = read_png_palette(path, bytes);
  // Where each index has VOC's colour none is renumbered, whichever are used: most label maps are not looked at.
  if (std::equal(palette.begin(), palette.end(), voc_palette().begin())) return "";
  std::array<bool, 256> is_used{};
  for (const uint8_t value : labels.pixels) is_used[value] = true;
  std::string first;
  for (size_t i = 0; i < is_used.size(); ++i) {
    if (!is_used[i]) continue;
    const int meaning = i < palette.size() ? meaning_of(palette[i], class_names.size()) : -1;
    if (meaning < 0) return "";
    if (meaning == static_cast<int>(i) || !first.empty()) continue;
    first = fmt::format("index {} has VOC's colour of {}", i,
                        meaning == 255 ? "void" : fmt::format("class {} ({})", meaning, class_names[meaning]));
  }
  return first;
}

void RenumberedFiles::look_at(const std::filesystem::path& path, const LabelMap& labels) {
  const std::string colours = renumbered_colours(path, labels, class_names_);
  const std::lock_guard lock(mutex_);
  ++files_;
  if (colours.empty()) return;
  if (renumbered_++ == 0 || path.string() < first_file_) first_file_ = path.string(), first_colours_ = colours;
}

std::string RenumberedFiles::doubt() const {
  const std::lock_guard lock(mutex_);
  if (renumbered_ == 0) return "";
  return fmt::format(
      "{}: {}, and {} of {} label maps have VOC's colours at other indices. Indices count here, not colours: if a "
      "program has renumbered them, make the maps again with index = class",
      first_file_, first_colours_, renumbered_, files_);
}

}  // namespace boxseg
