#include "data/foreign/foreign_masks.h"

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/box_formats.h"
#include "common/data/formats/coco/coco_results.h"
#include "common/data/formats/json_beginning.h"
#include "data/foreign/foreign_outlines.h"
#include "data/foreign/foreign_pngs.h"

namespace boxseg {
namespace {

// The one file of a folder that holds nothing else of the kind, or the file itself.
fs::path single_file(const fs::path& path, const BoxFiles& found) {
  if (!fs::is_directory(path)) return path;
  if (found.files.size() != 1 || found.files.begin()->second.size() != 1) return {};
  return found.files.begin()->second[0];
}

void refuse_nameless_masks(const fs::path& file) {
  const JsonBeginning beginning = json_beginning(file);
  if (beginning.is_list && beginning.has("segmentation") && !beginning.has("category_id"))
    fail_input(
        "{}: is a list of masks without 'image_id' and 'category_id', as SAM's automatic generator writes; write into "
        "each of which image and of which category it is",
        file.string());
}

std::unique_ptr<MaskReader> open_masks(const fs::path& path, const Dataset& dataset, bool skips_bad, int threads) {
  if (std::error_code ignored; !fs::exists(path, ignored))
    fail_input("{}: no such file or folder; expected masks of the images", path.string());
  BoxFiles found;
  if (fs::is_directory(path)) {
    found = find_box_files(path, threads);
    if (found.files.empty() && found.labels.empty()) return std::make_unique<ForeignPngs>(path, dataset);
  } else if (lower_case(path.extension().string()) == ".png") {
    fail_input("{}: is one PNG; name the folder of the label PNGs", path.string());
  }
  const fs::path file = single_file(path, found);
  if (!file.empty()) refuse_nameless_masks(file);
  if (!file.empty() && is_coco_results(file))
    return std::make_unique<ForeignOutlines>(detections_in(file, dataset, threads), path, dataset);
  return std::make_unique<ForeignOutlines>(outlines_in(path, skips_bad, threads), path, dataset);
}

}  // namespace

ForeignMasks::ForeignMasks(const fs::path& file_or_folder, const Dataset& dataset, bool skips_bad, int threads)
    : reader_(open_masks(file_or_folder, dataset, skips_bad, threads)) {
  match(file_or_folder, dataset);
}

void ForeignMasks::match(const fs::path& masks, const Dataset& dataset) {
  std::map<std::string, fs::path> photographs;
  std::map<std::string, int64_t> image_of;
  for (size_t i = 0; i < dataset.images.size(); ++i) {
    photographs[dataset.images[i].photo_path()] = dataset.images[i].photo_path();
    image_of[dataset.images[i].photo_path()] = static_cast<int64_t>(i);
  }
  const PhotoNames names(photographs);
  std::vector<std::string> unknown, guesses;
  for (size_t mask = 0; mask < reader_->count(); ++mask) {
    const std::string where =
        fmt::format("{}: the mask of '{}'", reader_->file_of(mask).string(), visible(reader_->name_of(mask)));
    const PhotoNames::Match found = reader_->photograph_of(mask, names);
    if (found.names.empty()) {
      unknown.push_back(where);
      continue;
    }
    if (found.names.size() > 1)
      fail_input("{} may be of {}; write the folder into its name", where, join(found.names, " or "));
    const auto [at, is_new] = mask_of_.emplace(image_of.at(found.names[0]), mask);
    if (!is_new)
      fail_input("{} is of {}, and so is that of '{}' in {}; which one is meant?", where, found.names[0],
                 visible(reader_->name_of(at->second)), reader_->file_of(at->second).string());
    if (found.is_guess) guesses.push_back(fmt::format("{} is taken to be of {}", where, found.names[0]));
  }
  if (mask_of_.empty())
    fail_input("{}: none of the {} masks is of an image of the dataset, which has {} images, such as {}; {} is there",
               masks.string(), reader_->count(), dataset.images.size(), dataset.images.front().photo_path(),
               unknown.front());
  if (!guesses.empty())
    log_warning("{}{}", guesses[0], guesses.size() == 1 ? "" : fmt::format(" (and {} more)", guesses.size() - 1));
  if (!unknown.empty())
    log_warning("{} of {} masks are of no image of the dataset and left out, the first is {}", unknown.size(),
                reader_->count(), unknown[0]);
}

}  // namespace boxseg
