// A folder of photographs, two of them larger than the others, with boxes and outlines: what smaller copies are made
// of.
#pragma once
#include <string>

#include "common/base/files.h"
#include "common/data/formats/box_reader.h"
#include "common/data/photos_with_boxes.h"
#include "common/io/jpeg.h"
#include "tests/io/exif.h"
#include "tests/support/support.h"

namespace boxseg::test {

struct LargePhotos {
  TemporaryDirectory directory;
  fs::path images = directory.path() / "photos", copies = directory.path() / "copies";

  static RgbImage picture(int64_t height, int64_t width, int phase) {
    RgbImage image(height, width);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        for (int64_t c = 0; c < 3; ++c)
          image.pixels[static_cast<size_t>((y * width + x) * 3 + c)] =
              static_cast<uint8_t>(40 + (x * (c + 1) + y * 2 + phase * 50) % 180);
    return image;
  }

  LargePhotos() {
    write_rgb_png(images / "large.png", picture(300, 400, 0));
    write_rgb_jpeg(images / "small.jpg", picture(90, 100, 1));
    // Stored 200 high and 500 wide, upright the other way round.
    write_file(images / "d/turned.JPG", jpeg_with_exif(encode_jpeg(picture(200, 500, 2), 95), exif_of(6)));
  }
  fs::path operator/(const std::string& name) const { return directory.path() / name; }

  // Boxes 1 and 2 of large.png have run lengths and a polygon of the box's left half; the others none.
  fs::path boxes() const {
    write_file(directory.path() / "boxes.json", R"({"images": [
      {"id": 1, "file_name": "large.png", "width": 400, "height": 300},
      {"id": 2, "file_name": "small.jpg", "width": 100, "height": 90},
      {"id": 3, "file_name": "turned.JPG", "width": 200, "height": 500}],
      "categories": [{"id": 4, "name": "cat"}, {"id": 9, "name": "dog"}],
      "annotations": [
      {"id": 11, "image_id": 1, "category_id": 4, "bbox": [40, 80, 200, 100],
       "segmentation": {"size": [300, 400], "counts": [12380, 100, 200, 100, 107220]}, "iscrowd": 0},
      {"id": 12, "image_id": 1, "category_id": 9, "bbox": [300, 0, 100, 300],
       "segmentation": [[300, 0, 352, 0, 352, 300, 300, 300]], "iscrowd": 0},
      {"id": 13, "image_id": 2, "category_id": 9, "bbox": [10, 20, 30, 40], "iscrowd": 0},
      {"id": 14, "image_id": 3, "category_id": 4, "bbox": [50.5, 100, 100, 250], "iscrowd": 0}]})");
    return directory.path() / "boxes.json";
  }

  PhotosWithBoxesOptions options(int64_t longest_side) const {
    PhotosWithBoxesOptions options;
    options.images = images;
    options.boxes = boxes();
    options.masks = directory.path() / "outlines";
    options.longest_side = longest_side;
    options.copies = copies;
    return options;
  }
  static Dataset join(const PhotosWithBoxesOptions& options) {
    PhotosWithBoxesReport report;
    return join_photos_and_boxes(read_boxes(options.boxes, 1), options, report);
  }
};

}  // namespace boxseg::test
