#include "data/foreign/foreign_pngs.h"

#include <algorithm>
#include <numeric>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/class_list.h"
#include "common/data/photo_folder.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/io/resized.h"
#include "common/pipeline/stage/label_classes.h"

namespace boxseg {
namespace {

// Names that a stage noted when it wrote the folder, or the one above it.
std::vector<std::string> names_in_manifest(const fs::path& path) {
  const auto manifest = try_read_manifest(path);
  if (!manifest) return {};
  const auto found = manifest->facts.find(kClassesFact);
  return found == manifest->facts.end() ? std::vector<std::string>{} : read_lines(found->second);
}

}  // namespace

ForeignPngs::ForeignPngs(const fs::path& folder, const Dataset& dataset) : folder_(folder) {
  const PhotoFolder found = find_photos(folder);
  std::map<std::string, int64_t> others = found.left_out;
  for (const auto& [name, path] : found.photos) {
    const std::string suffix = lower_case(path.extension().string());
    if (suffix == ".png")
      files_.push_back(name);
    else
      ++others[suffix];
  }
  if (files_.empty()) {
    PhotoFolder there;
    there.left_out = others;
    fail_input("{}: holds neither label PNGs nor annotations{}; name the folder of the PNGs, or the file of outlines",
               folder.string(), others.empty() ? "" : ", but " + there.describe_left_out());
  }
  std::iota(class_of_value_.begin(), class_of_value_.end(), 0);
  known_ = join({dataset.class_names.begin() + 1, dataset.class_names.end()}, ", ");
  if (const fs::path list = folder / "classes.txt"; fs::exists(list)) {
    take_names(read_class_list(list), list, dataset);
    return;
  }
  const fs::path full = fs::absolute(folder / "").lexically_normal().parent_path();
  for (const fs::path& manifest : {full / "manifest.h5", full.parent_path() / "manifest.h5"})
    if (const auto names = names_in_manifest(manifest); !names.empty()) {
      take_names(names, manifest, dataset);
      return;
    }
}

void ForeignPngs::take_names(const std::vector<std::string>& names, const fs::path& from, const Dataset& dataset) {
  names_ = names;
  names_from_ = from;
  if (names == dataset.class_names) return;
  std::fill(class_of_value_.begin(), class_of_value_.end() - 1, -1);
  for (size_t value = 0; value < names.size(); ++value) {
    const auto found = std::find(dataset.class_names.begin(), dataset.class_names.end(), names[value]);
    if (found != dataset.class_names.end())
      class_of_value_[value] = static_cast<int>(found - dataset.class_names.begin());
  }
  log_info("{}: names other values than the dataset; classes go by their names", from.string());
}

std::string ForeignPngs::name_of(size_t mask) const { return fs::path(files_[mask]).replace_extension().string(); }

PhotoNames::Match ForeignPngs::photograph_of(size_t mask, const PhotoNames& photographs) const {
  return photographs.find(name_of(mask));
}

LabelMap ForeignPngs::read(size_t mask, const ImageEntry& image) const {
  LabelMap labels = read_label_png(file_of(mask));
  for (uint8_t& value : labels.pixels) {
    if (class_of_value_[value] < 0)
      fail_input("{}: holds the value {}, which is {} in {}; the dataset has {}", file_of(mask).string(), value,
                 value < names_.size() ? "'" + visible(names_[value]) + "'" : "no class", names_from_.string(), known_);
    value = static_cast<uint8_t>(class_of_value_[value]);
  }
  const ImageSize photograph = image.photo_size();
  return labels.height == photograph.height && labels.width == photograph.width ? resized(labels, image.size) : labels;
}

}  // namespace boxseg
