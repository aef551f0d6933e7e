// Photographs of VOC with boxes, where the shared data are there, under names and with classes of one's own.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "common/data/formats/box_reader.h"
#include "common/io/resized.h"
#include "tests/own/photos.h"

namespace boxseg::test {

// The photograph and the boxes of one image, in small; `class_name` says what a class of VOC is called here.
template <class Name>
AnnotatedPhoto voc_photo(const fs::path& voc, const std::string& id, const std::string& file_name, int64_t longer_side,
                         const Name& class_name) {
  AnnotatedPhoto photo;
  const RgbImage large = read_rgb(voc / "JPEGImages" / (id + ".jpg"));
  const ImageSize size = fitted({large.height, large.width}, longer_side);
  photo.name = file_name;
  photo.pixels = size.width == large.width ? large : resized(large, size);
  photo.width = static_cast<int>(size.width);
  photo.height = static_cast<int>(size.height);
  const double scale = static_cast<double>(size.width) / static_cast<double>(large.width);
  const auto at = [&](double v, int64_t most) {
    return static_cast<int>(std::clamp<int64_t>(std::lround(v * scale), 0, most));
  };
  const BoxAnnotations read = read_boxes(voc / "Annotations" / (id + ".xml"), 1);
  for (const auto& image : read.images)
    for (const auto& object : image.boxes) {
      AnnotatedObject o{class_name(object.class_name), at(object.x0, size.width), at(object.y0, size.height),
                        at(object.x1, size.width), at(object.y1, size.height)};
      if (o.x1 - o.x0 >= 4 && o.y1 - o.y0 >= 4) photo.objects.push_back(std::move(o));
    }
  return photo;
}

inline std::vector<std::string> voc_ids(const fs::path& voc, const std::string& list) {
  return read_lines(read_file(voc / "ImageSets/Segmentation" / (list + ".txt")));
}

}  // namespace boxseg::test
