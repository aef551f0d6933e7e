#include "common/data/import_labels.h"

#include <algorithm>
#include <deque>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/data/bad_images.h"
#include "common/data/folder_names.h"
#include "common/data/label_doubts.h"
#include "common/io/orientation.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

fs::path png_of(const ImageEntry& image) { return output_name(image.id) += ".png"; }

const ImageEntry& image_of(const ForeignMap& map, const Dataset& dataset) {
  return dataset.images[static_cast<size_t>(map.image)];
}

LabelMap read_checked(const ForeignMap& map, const Dataset& dataset) {
  LabelMap labels = map.read();
  require_map_of(image_of(map, dataset), labels, dataset.classes(), map.file);
  return labels;
}

// Reads all maps once; returns those that are good.
std::vector<ForeignMap> good_maps(const std::vector<ForeignMap>& maps, const Dataset& dataset, int threads,
                                  bool skips_bad_maps) {
  std::vector<std::string> faults(maps.size());
  LabelDoubts doubts(dataset.class_names);
  parallel_for(static_cast<int64_t>(maps.size()), 4, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      faults[i] = fault_of([&] {
        throw_if_interrupted();
        const auto& boxes = image_of(maps[i], dataset).boxes;
        doubts.look_at(maps[i].file, boxes, read_checked(maps[i], dataset), !boxes.empty(), maps[i].has_palette);
      });
  });
  std::vector<ForeignMap> good;
  for (size_t i = 0; i < maps.size(); ++i)
    if (faults[i].empty()) good.push_back(maps[i]);
  std::erase(faults, "");
  if (!faults.empty() && (!skips_bad_maps || good.empty()))
    fail_input("{}{}", faults[0],
               faults.size() == 1 ? "" : fmt::format(" ({} of {} label maps are bad)", faults.size(), maps.size()));
  for (const std::string& fault : faults) log_warning("left out: {}", fault);
  for (const std::string& doubt : doubts.doubts("the label maps")) log_warning("{}", doubt);
  return good;
}

}  // namespace

void require_map_of(const ImageEntry& image, const LabelMap& labels, int64_t classes, const fs::path& path) {
  if (labels.height != image.size.height || labels.width != image.size.width)
    fail_input("{}: has {}x{} pixels, image '{}' has {}x{}; is it a label map of another image?{}", path.string(),
               labels.width, labels.height, image.id, image.size.width, image.size.height,
               reason_of_exchanged_sides({labels.height, labels.width}, image.size));
  for (const uint8_t value : labels.pixels)
    if (value >= classes && value != 255)
      fail_input("{}: holds the value {}, but the dataset has {} classes with background (and 255, void)",
                 path.string(), value, classes);
}

Manifest import_maps(const std::vector<ForeignMap>& maps, const Dataset& dataset, const fs::path& output, int threads,
                     bool skips_bad_maps) {
  // Two passes, so that nothing is written when something is wrong. Reading twice is cheap beside keeping all maps.
  const std::vector<ForeignMap> good = good_maps(maps, dataset, threads, skips_bad_maps);
  Manifest manifest;
  manifest.outputs.resize(good.size());
  Progress progress("writing label maps", static_cast<int64_t>(good.size()));
  parallel_for(static_cast<int64_t>(good.size()), 4, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      throw_if_interrupted();
      const LabelMap labels = read_checked(good[i], dataset);
      const fs::path relative = fs::path(good[i].kind) / png_of(image_of(good[i], dataset));
      write_label_png(output / relative, labels);
      manifest.outputs[i] = {relative.string(), static_cast<int64_t>(fs::file_size(output / relative)),
                             digest_of_labels(labels)};
    }
    progress.advance(end - begin);
  });
  return manifest;
}

Manifest import_labels(const ImportLabelsOptions& options, const Dataset& dataset) {
  struct Source {
    const char* name;  // "Y_crf"
    fs::path folder;
  };
  std::vector<Source> sources = {{"Y_crf", options.y_crf}};
  if (!options.y_ret.empty()) sources.push_back({"Y_ret", options.y_ret});
  for (const auto& source : sources)
    if (std::error_code ignored; !fs::is_directory(source.folder, ignored))
      fail_input("{}: no such folder; expected the label maps of split {} in it, ID.png", source.folder.string(),
                 options.split);
  for (const auto& source : sources)
    for (const auto& other : sources)
      refuse_same_file(options.output / other.name, "--output", source.folder, "a folder of label maps,");

  std::deque<FolderNames> names;  // they do not move
  std::vector<ForeignMap> maps;
  for (const auto& source : sources) {
    const FolderNames& there = names.emplace_back(source.folder);
    for (const int64_t i : dataset.split(options.split)) {
      const ImageEntry& image = dataset.images[static_cast<size_t>(i)];
      const fs::path path = source.folder / png_of(image);
      const auto read = [&there, &image, path] {
        if (std::error_code ignored; !fs::exists(path, ignored))
          fail_input("{}: no such file, the label map of image '{}'{}", path.string(), image.id,
                     there.near_miss(output_name(image.id).string(), {".png"}, true));
        return read_label_png(path);
      };
      maps.push_back({source.name, i, path, true, read});
    }
  }
  Manifest manifest = import_maps(maps, dataset, options.output, options.threads, false);
  manifest.inputs["dataset"] = dataset.digest(options.split, false);
  return manifest;
}

}  // namespace boxseg
