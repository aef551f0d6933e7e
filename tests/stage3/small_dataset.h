// Makes a dataset of a few small pictures with boxes, masks and label maps of a stage 2, on disk.
#pragma once
#include <filesystem>
#include <string>

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/data/dataset.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"

namespace boxseg::test {

namespace fs = std::filesystem;

// This is a bright rectangle on noise, whose colour says its class (1 or 2).
struct Picture {
  RgbImage image;
  LabelMap mask;
  Box box;
};

inline Picture make_picture(int64_t number, int64_t height = 70, int64_t width = 80) {
  Random random(0, "small dataset", static_cast<uint64_t>(number));
  Picture p{RgbImage(height, width), LabelMap(height, width), {}};
  for (auto& value : p.image.pixels) value = static_cast<uint8_t>(60 + random.below(60));
  const int64_t x0 = random.below(30), y0 = random.below(30), x1 = x0 + 20 + random.below(25),
                y1 = y0 + 15 + random.below(20);
  const int64_t class_id = 1 + random.below(2);
  for (int64_t y = y0; y < y1; ++y) {
    for (int64_t x = x0; x < x1; ++x) {
      p.image.pixels[static_cast<size_t>((y * width + x) * 3 + (class_id == 1 ? 0 : 2))] = 230;
      p.mask.at(y, x) = static_cast<uint8_t>(class_id);
    }
  }
  p.box = {float(x0 + 1), float(y0 + 1), float(x1), float(y1), class_id, false, false};
  return p;
}

inline std::string picture_id(int64_t i) { return "picture " + std::to_string(i); }

// Makes FOLDER/dataset.h5 with splits train (all) and val (the first two); masks are the rectangles.
inline fs::path make_small_dataset(const fs::path& folder, int64_t images) {
  Dataset dataset;
  dataset.name = "small";
  dataset.root = folder;
  dataset.class_names = {"background", "red", "blue"};
  dataset.palette = voc_palette();
  dataset.palette[1] = {200, 10, 20};
  for (int64_t i = 0; i < images; ++i) {
    const Picture p = make_picture(i);
    ImageEntry entry;
    entry.id = picture_id(i);
    entry.path = std::to_string(i) + ".png";
    entry.size = {p.image.height, p.image.width};
    entry.boxes = {p.box};
    entry.mask_path = "masks/" + std::to_string(i) + ".png";
    write_rgb_png(folder / entry.path, p.image);
    write_label_png(folder / entry.mask_path, p.mask);
    entry.image_digest = digest_of_file(folder / entry.path);
    entry.mask_digest = digest_of_file(folder / entry.mask_path);
    dataset.splits["train"].push_back(i);
    if (i < 2) dataset.splits["val"].push_back(i);
    dataset.images.push_back(entry);
  }
  write_dataset(folder / "dataset.h5", dataset);
  return folder / "dataset.h5";
}

// Makes FOLDER/labels: Y_crf is the mask, Y_ret the mask moved by three columns, so that a strip is unreliable.
inline fs::path make_small_labels(const fs::path& folder, int64_t images, bool has_ret = true) {
  const fs::path labels = folder / (has_ret ? "labels" : "labels without ret");
  Manifest manifest;
  manifest.program = "stage2_pseudolabel";
  for (int64_t i = 0; i < images; ++i) {
    const LabelMap mask = make_picture(i).mask;
    LabelMap moved(mask.height, mask.width);
    for (int64_t y = 0; y < mask.height; ++y)
      for (int64_t x = 3; x < mask.width; ++x) moved.at(y, x) = mask.at(y, x - 3);
    const auto write = [&](const std::string& kind, const LabelMap& map) {
      const std::string file = kind + "/" + picture_id(i) + ".png";
      write_label_png(labels / file, map);
      manifest.outputs.push_back({file, static_cast<int64_t>(fs::file_size(labels / file)), digest_of_labels(map)});
    };
    write("Y_crf", mask);
    if (has_ret) write("Y_ret", moved);
  }
  write_manifest(labels / "manifest.h5", manifest);
  return labels;
}

inline std::string in_quotes(const fs::path& path) { return "'" + path.string() + "'"; }

}  // namespace boxseg::test
