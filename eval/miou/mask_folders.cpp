#include "eval/miou/mask_folders.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/data/photo_folder.h"
#include "common/runtime/parallel.h"
#include "eval/miou/confusion.h"

namespace boxseg {
namespace {

const std::string kSuffix = ".png";

int64_t largest_of(const LabelMap& map) {
  uint8_t largest = 0;
  for (const uint8_t label : map.pixels) largest = std::max(largest, label == kVoid ? uint8_t{0} : label);
  return largest;
}

// Calls body(number of an image), which returns its largest label, for all of them, and returns the largest.
int64_t largest_over(size_t images, int threads, const std::function<int64_t(size_t)>& body) {
  std::vector<int64_t> largest(images);
  parallel_for(static_cast<int64_t>(images), 1, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      throw_if_interrupted();
      largest[i] = body(i);
    }
  });
  return *std::max_element(largest.begin(), largest.end());
}

}  // namespace

TruthFolder read_truth_folder(const fs::path& folder, int threads) {
  if (!is_folder(folder)) fail_input("{}: no such folder; expected one of label PNGs", folder.string());
  TruthFolder truth;
  Dataset& dataset = truth.dataset;
  dataset.name = "label maps";
  dataset.root = fs::absolute(folder).lexically_normal();
  dataset.palette = voc_palette();
  const PhotoFolder found = find_photos(folder);
  for (const auto& left_out : found.folders_left_out)
    log_warning("{}: {}, and was left out", folder.string(), left_out);
  for (const auto& [name, path] : found.photos) {
    if (!name.ends_with(kSuffix)) continue;
    ImageEntry image;
    image.id = name.substr(0, name.size() - kSuffix.size());
    image.path = image.mask_path = name;
    dataset.images.push_back(std::move(image));
  }
  if (dataset.images.empty()) fail_input("{}: holds no label PNG, NAME.png", folder.string());
  std::vector<int64_t>& all = dataset.splits[kTruthSplit];
  all.resize(dataset.images.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  truth.largest_label = largest_over(all.size(), threads, [&](size_t i) {
    ImageEntry& image = dataset.images[i];
    const LabelMap map = read_label_png(dataset.mask_path(image));
    image.size = {map.height, map.width};
    image.mask_digest = digest_of_file(dataset.mask_path(image));
    return largest_of(map);
  });
  if (truth.largest_label == 0)
    fail_input(
        "{}: its {} label maps hold no class but background (0) and void (255): a prediction of nothing would be "
        "perfect. Write each class as its number; `prepare show FILE` lists the values of a mask",
        folder.string(), dataset.images.size());
  return truth;
}

std::vector<std::string> numbered_classes(const TruthFolder& truth, const LabelFolder& predictions, int threads) {
  const auto& images = truth.dataset.images;
  const int64_t largest =
      largest_over(images.size(), threads, [&](size_t i) { return largest_of(predictions.read(images[i])); });
  std::vector<std::string> names;
  for (int64_t c = 0; c <= std::max(largest, truth.largest_label); ++c) names.push_back(std::to_string(c));
  return names;
}

std::vector<std::string> files_without_truth(const fs::path& folder, const TruthFolder& truth) {
  std::set<std::string> known;
  for (const ImageEntry& image : truth.dataset.images) known.insert(image.id + kSuffix);
  std::vector<std::string> names;
  for (const auto& [name, path] : find_photos(folder).photos)
    if (name.ends_with(kSuffix) && !known.contains(name)) names.push_back(name);
  return names;
}

}  // namespace boxseg
