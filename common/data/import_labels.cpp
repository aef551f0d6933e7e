#include "common/data/import_labels.h"

#include <algorithm>
#include <deque>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/data/folder_names.h"
#include "common/data/label_doubts.h"
#include "common/io/orientation.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

struct Source {
  const char* name;  // "Y_crf"
  fs::path folder;
};

LabelMap read_checked(const fs::path& path, const ImageEntry& image, int64_t classes) {
  LabelMap labels = read_label_png(path);
  if (labels.height != image.size.height || labels.width != image.size.width)
    fail_input("{}: has {}x{} pixels, image '{}' has {}x{}; is it a label map of another image?{}", path.string(),
               labels.width, labels.height, image.id, image.size.width, image.size.height,
               reason_of_exchanged_sides({labels.height, labels.width}, image.size));
  for (const uint8_t value : labels.pixels)
    if (value >= classes && value != 255)
      fail_input("{}: holds the value {}, but the dataset has {} classes with background (and 255, void)",
                 path.string(), value, classes);
  return labels;
}

fs::path png_of(const ImageEntry& image) { return output_name(image.id) += ".png"; }

}  // namespace

Manifest import_labels(const ImportLabelsOptions& options, const Dataset& dataset) {
  std::vector<Source> sources = {{"Y_crf", options.y_crf}};
  if (!options.y_ret.empty()) sources.push_back({"Y_ret", options.y_ret});
  for (const auto& source : sources)
    if (std::error_code ignored; !fs::is_directory(source.folder, ignored))
      fail_input("{}: no such folder; expected the label maps of split {} in it, ID.png", source.folder.string(),
                 options.split);
  for (const auto& source : sources)
    for (const auto& other : sources)
      refuse_same_file(options.output / other.name, "--output", source.folder, "a folder of label maps,");
  const auto& members = dataset.split(options.split);
  const auto n = static_cast<int64_t>(sources.size() * members.size());
  const auto source_of = [&](int64_t i) { return sources[static_cast<size_t>(i) / members.size()]; };
  const auto image_of = [&](int64_t i) -> const ImageEntry& {
    return dataset.images[static_cast<size_t>(members[static_cast<size_t>(i) % members.size()])];
  };

  std::deque<FolderNames> names;  // they do not move
  for (const auto& source : sources) names.emplace_back(source.folder);
  LabelDoubts doubts(dataset.class_names);
  // Two passes, so that nothing is written when something is wrong. Reading twice is cheap beside keeping all maps.
  std::vector<std::string> faults(static_cast<size_t>(n));
  parallel_for(n, 4, options.threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) try {
        throw_if_interrupted();
        const fs::path path = source_of(i).folder / png_of(image_of(i));
        if (std::error_code ignored; !fs::exists(path, ignored))
          fail_input("{}: no such file, the label map of image '{}'{}", path.string(), image_of(i).id,
                     names[static_cast<size_t>(i) / members.size()].near_miss(output_name(image_of(i).id).string(),
                                                                              {".png"}, true));
        const LabelMap labels = read_checked(path, image_of(i), dataset.classes());
        doubts.look_at(path, image_of(i).boxes, labels, !image_of(i).boxes.empty());
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::bad_input) throw;
        faults[static_cast<size_t>(i)] = e.what();
      }
  });
  std::erase(faults, "");
  if (!faults.empty())
    fail_input("{}{}", faults[0],
               faults.size() == 1 ? "" : fmt::format(" ({} of {} label maps are bad)", faults.size(), n));

  for (const std::string& doubt : doubts.doubts("the label maps")) log_warning("{}", doubt);

  Manifest manifest;
  manifest.inputs["dataset"] = dataset.digest(options.split, false);
  manifest.outputs.resize(static_cast<size_t>(n));
  Progress progress("writing label maps", n);
  parallel_for(n, 4, options.threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      throw_if_interrupted();
      const LabelMap labels = read_checked(source_of(i).folder / png_of(image_of(i)), image_of(i), dataset.classes());
      const fs::path relative = fs::path(source_of(i).name) / png_of(image_of(i));
      write_label_png(options.output / relative, labels);
      manifest.outputs[static_cast<size_t>(i)] = {
          relative.string(), static_cast<int64_t>(fs::file_size(options.output / relative)), digest_of_labels(labels)};
    }
    progress.advance(end - begin);
  });
  return manifest;
}

}  // namespace boxseg
