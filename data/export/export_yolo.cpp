// YOLO's labels for segmentation: a line "CLASS x y x y ..." for each box or class, in shares of width and height, and
// a data.yaml with which Ultralytics trains. It looks for the labels of images/PLACE.jpg in labels/PLACE.txt.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/labels/outlines.h"
#include "data/export/exported_masks.h"

namespace boxseg {
namespace {

// Where readers look for the labels of an image, below labels/. An image whose id has its suffix shares its place with
// another; no reader can tell these two apart.
fs::path labels_of(const ImageEntry& image) {
  fs::path place = fs::path(image.photo_path()).lexically_normal().replace_extension();
  if (image.id == image.photo_path() || place.is_absolute() || *place.begin() == "..") place = output_name(image.id);
  return "labels" / (place += ".txt");
}

// Leads from images/ to the photographs. A folder of this name is somebody's own, and stays.
void link_photographs(const ExportOptions& options) {
  const fs::path link = options.place("images");
  std::error_code error;
  if (fs::exists(link, error) && !fs::is_symlink(link, error)) return;
  fs::remove(link, error);
  fs::create_directory_symlink(
      fs::weakly_canonical(options.dataset.root).lexically_relative(fs::canonical(options.output)), link, error);
  if (error)
    log_warning("{}: no link could be made ({}); put the photographs there for programs that train with data.yaml",
                link.string(), error.message());
}

std::vector<int64_t> members_in(const Dataset& dataset, const std::vector<int64_t>& members, const char* split) {
  const auto found = dataset.splits.find(split);
  if (found == dataset.splits.end()) return {};
  const std::set<int64_t> others(found->second.begin(), found->second.end());
  std::vector<int64_t> common;
  std::copy_if(members.begin(), members.end(), std::back_inserter(common),
               [&](int64_t i) { return others.contains(i); });
  return common;
}

// Photographs are listed one by one: where data.yaml names a folder, Ultralytics follows the link before it looks for
// labels.
void write_list(const ExportOptions& options, const fs::path& name, const std::vector<int64_t>& members) {
  std::string lines;
  for (const int64_t i : members)
    lines += fmt::format("./images/{}\n", options.dataset.images[static_cast<size_t>(i)].photo_path());
  write_file(options.place(name), lines);
}

// What is exported is to be trained on, and measured on the dataset's images for that, where it has such.
void write_data_yaml(const ExportOptions& options) {
  const Dataset& d = options.dataset;
  const std::vector<int64_t>& members = d.split(options.split);
  const auto train = members_in(d, members, "train"), val = members_in(d, members, "val");
  const bool has_both = !train.empty() && !val.empty();
  write_list(options, "train.txt", has_both ? train : members);
  if (has_both) write_list(options, "val.txt", val);
  std::string text = "# Made by boxseg. Paths are below this file's folder.\n";
  text += fmt::format("train: train.txt\nval: {}\nnames:\n", has_both ? "val.txt" : "train.txt");
  for (size_t c = 1; c < d.class_names.size(); ++c)
    text += fmt::format("  {}: {}\n", c - 1, nlohmann::json(d.class_names[c]).dump());
  write_file(options.place("data.yaml"), text);
}

}  // namespace

int64_t export_yolo(const ExportOptions& options) {
  const Dataset& d = options.dataset;
  int64_t count = 0;
  for (const int64_t i : d.split(options.split)) {
    const ImageEntry& image = d.images[static_cast<size_t>(i)];
    const auto masks = exported_masks(options, image);
    std::string text;
    for (const ExportedMask& mask : masks) {
      const std::vector<double> ring = joined_rings(mask.rings);
      if (ring.empty()) continue;
      text += std::to_string(mask.box.class_id - 1);
      for (size_t k = 0; k + 1 < ring.size(); k += 2)
        text += fmt::format(" {:.6f} {:.6f}", ring[k] / static_cast<double>(image.size.width),
                            ring[k + 1] / static_cast<double>(image.size.height));
      text += "\n";
      ++count;
    }
    write_file(options.place(labels_of(image)), text);
  }
  write_data_yaml(options);
  link_photographs(options);
  return count;
}

}  // namespace boxseg
