// YOLO's labels for segmentation: a line "CLASS x y x y ..." for each box or class, in shares of width and height.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/labels/outlines.h"
#include "data/exported_masks.h"

namespace boxseg {

int64_t export_yolo(const ExportOptions& options) {
  const Dataset& d = options.dataset;
  int64_t count = 0;
  std::string names = "# Made by boxseg\nnames:\n";
  for (size_t c = 1; c < d.class_names.size(); ++c)
    names += fmt::format("  {}: {}\n", c - 1, nlohmann::json(d.class_names[c]).dump());
  write_file(options.place("data.yaml"), names);
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
    fs::path file = "labels" / output_name(image.id);
    write_file(options.place(file += ".txt"), text);
  }
  return count;
}

}  // namespace boxseg
