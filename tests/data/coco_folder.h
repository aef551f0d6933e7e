// Makes a small COCO in a temporary directory, with what train2017 has: ids with gaps, crowds, parts, a photograph of
// one channel, one without annotation, and a box without area.
#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/base/text.h"
#include "common/io/image.h"
#include "tests/support/support.h"

namespace boxseg::test {

struct CocoAnnotation {
  int64_t image_id = 0, category_id = 0;
  std::string bbox, segmentation;  // as JSON
  bool is_crowd = false;
};

// The beginning of a JPEG of one channel, which is all that is looked at.
inline std::string beginning_of_grey_jpeg(int height, int width) {
  const auto two = [](int number) { return std::string{static_cast<char>(number >> 8), static_cast<char>(number)}; };
  return "\xff\xd8\xff\xc0" + two(11) + "\x08" + two(height) + two(width) + std::string("\x01\x01\x11\x00", 4) +
         "\xff\xda" + two(8) + std::string("\x01\x01\x00\x00\x3f\x00", 6);
}

// Images 9 (40 wide, 30 high: a cat of two parts and a dog upon it), 25 (20x20: a crowd of people and a cat), 30 (of
// one channel, 16x12: a dog), 581929 (10x10, without annotation). Categories 1, 17 and 18, not in this order.
struct CocoFolder {
  TemporaryDirectory directory;
  fs::path images = directory / "train2017", file = directory / "annotations/instances_train2017.json";
  std::vector<CocoAnnotation> annotations = {
      {9, 17, "[2, 3, 30, 20]", "[[2, 3, 12, 3, 12, 23, 2, 23], [22, 3, 32, 3, 32, 13, 22, 13]]"},
      {9, 18, "[4, 5, 4, 6]", "[[4, 5, 8, 5, 8, 11, 4, 11]]"},
      {9, 1, "[6, 8.33, 1.03, 0]", "[[6, 8.33, 6, 8.33, 7, 8.33, 7, 8.33]]"},
      {25, 1, "[5, 0, 5, 20]", R"({"counts": [100, 40, 10, 50, 200], "size": [20, 20]})", true},
      {25, 17, "[0, 0, 3, 20]", R"({"counts": "0l1d:", "size": [20, 20]})"},
      {30, 18, "[1, 1, 5.5, 6]", "[[1, 1, 6.5, 1, 6.5, 7, 1, 7]]"}};
  std::vector<std::string> entries = {image(581929, 10, 10), image(9, 30, 40), image(30, 12, 16), image(25, 20, 20)};
  std::string categories = R"({"id": 18, "name": "dog"}, {"id": 1, "name": "person"}, {"id": 17, "name": "cat"})";

  CocoFolder() {
    for (const auto& [id, height, width] : {std::tuple{9, 30, 40}, {25, 20, 20}, {581929, 10, 10}}) {
      RgbImage photo(height, width);
      for (size_t i = 0; i < photo.pixels.size(); ++i) photo.pixels[i] = static_cast<uint8_t>(i * 7);
      write_rgb_jpeg(images / name_of(id), photo);
    }
    write_file(images / name_of(30), beginning_of_grey_jpeg(12, 16));
    write();
  }
  static std::string name_of(int id) { return fmt::format("{:012}.jpg", id); }
  static std::string image(int id, int height, int width) {
    return fmt::format(R"({{"id": {}, "file_name": "{}", "height": {}, "width": {}}})", id, name_of(id), height, width);
  }
  void write() const { write(file); }
  void write(const fs::path& path) const {
    std::vector<std::string> texts;
    for (const auto& a : annotations)
      texts.push_back(fmt::format(
          R"({{"id": {}, "image_id": {}, "category_id": {}, "bbox": {}, "segmentation": {}, "iscrowd": {}}})",
          900 + texts.size() * 11, a.image_id, a.category_id, a.bbox, a.segmentation, a.is_crowd ? 1 : 0));
    write_file(path, fmt::format(R"({{"images": [{}], "annotations": [{}], "categories": [{}]}})", join(entries, ", "),
                                 join(texts, ", "), categories));
  }
};

}  // namespace boxseg::test
