// Label PNGs with the dataset's colours, and the names of their values.
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/io/label_png.h"
#include "data/export/exported_masks.h"

namespace boxseg {

int64_t export_png(const ExportOptions& options) {
  const Dataset& d = options.dataset;
  int64_t count = 0;
  for (const int64_t i : d.split(options.split)) {
    const ImageEntry& image = d.images[static_cast<size_t>(i)];
    fs::path file = output_name(image.id);
    write_label_png(options.place(file += ".png"), exported_labels(options, image), d.palette);
    count += static_cast<int64_t>(image.boxes.size());
  }
  write_file(options.place("classes.txt"), join(d.class_names, "\n") + "\n");
  return count;
}

}  // namespace boxseg
