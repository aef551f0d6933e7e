// Makes a dataset of a few small pictures with boxes, on disk: what the programs need to run for a second.
#pragma once
#include <algorithm>
#include <filesystem>
#include <string>

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/data/dataset.h"

namespace boxseg::test {

// Makes `images` pictures of 90x80 pixels: one bright rectangle on noise each, whose colour says its class (1 or 2);
// the last image has no box. Split "train" holds them all. Returns the path of dataset.h5.
inline std::filesystem::path make_small_dataset(const std::filesystem::path& folder, int64_t images) {
  Dataset dataset;
  dataset.name = "small";
  dataset.root = folder;
  dataset.class_names = {"background", "red", "blue"};
  dataset.palette = voc_palette();
  for (int64_t i = 0; i < images; ++i) {
    Random random(0, "small dataset", static_cast<uint64_t>(i));
    RgbImage image(80, 90);
    for (auto& value : image.pixels) value = static_cast<uint8_t>(60 + random.below(60));
    ImageEntry entry;
    entry.id = "picture " + std::to_string(i);
    entry.path = std::to_string(i) + ".png";
    entry.size = {image.height, image.width};
    if (i + 1 < images) {
      const int64_t x0 = random.below(40), y0 = random.below(40), x1 = x0 + 20 + random.below(25),
                    y1 = y0 + 20 + random.below(20);
      const int64_t class_id = 1 + random.below(2);
      for (int64_t y = y0; y < y1; ++y)
        for (int64_t x = x0; x < x1; ++x)
          image.pixels[static_cast<size_t>((y * image.width + x) * 3 + (class_id == 1 ? 0 : 2))] = 230;
      entry.boxes.push_back({float(x0 + 1), float(y0 + 1), float(x1), float(y1), class_id, false, false});
    }
    write_rgb_png(folder / entry.path, image);
    entry.image_digest = digest_of_file(folder / entry.path);
    dataset.splits["train"].push_back(i);
    dataset.images.push_back(entry);
  }
  write_dataset(folder / "dataset.h5", dataset);
  return folder / "dataset.h5";
}

}  // namespace boxseg::test
