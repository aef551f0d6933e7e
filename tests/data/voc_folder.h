// Makes a small VOC folder in a temporary directory, to be damaged by tests.
#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/io/image.h"
#include "common/io/label_png.h"
#include "tests/support/support.h"

namespace boxseg::test {

inline std::string object_xml(const std::string& name, double x0, double y0, double x1, double y1,
                              bool is_difficult = false) {
  return fmt::format(
      "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</"
      "ymax>"
      "</bndbox><part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></"
      "part></object>",
      name, is_difficult ? 1 : 0, x0, y0, x1, y1);
}

inline std::string annotation_xml(const std::string& objects, int64_t width = 40, int64_t height = 30) {
  return fmt::format("<annotation><size><width>{}</width><height>{}</height><depth>3</depth></size>{}</annotation>",
                     width, height, objects);
}

// Has images a, b, c (40x30, a cat each) and d/e f (an id with a blank and a slash; a dog and a difficult cat), lists
// train (a, b) and val (c, d/e f), and masks in SegmentationClass for all but b.
struct VocFolder {
  TemporaryDirectory directory;
  fs::path root = directory.path() / "VOC";
  VocFolder() {
    for (const std::string id : {"a", "b", "c"}) add(id, annotation_xml(object_xml("cat", 5, 6, 20, 25)));
    add("d/e f", annotation_xml(object_xml("dog", 1, 1, 40, 30) + object_xml("cat", 3.5, 4, 9, 10, true)));
    for (const std::string id : {"a", "c"}) add_mask(id, 8);
    add_mask("d/e f", {12, 8});
    list("train", "a\nb\n");
    list("val", "c\nd/e f\n");
  }
  void add(const std::string& id, const std::string& xml) const {
    RgbImage image(30, 40);
    for (size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<uint8_t>(i * 7 + id.size() + static_cast<unsigned char>(id[0]));
    write_rgb_jpeg(jpeg(id), image);
    write_file(xml_of(id), xml);
  }
  void add_mask(const std::string& id, uint8_t value, int64_t height = 30, int64_t width = 40) const {
    add_mask(id, std::vector<int>{value}, height, width);
  }
  // Writes a mask with a pixel of each value, within the boxes, and one of void.
  void add_mask(const std::string& id, const std::vector<int>& values, int64_t height = 30, int64_t width = 40) const {
    LabelMap labels(height, width);
    for (size_t i = 0; i < values.size(); ++i)
      labels.at(7, 5 + static_cast<int64_t>(i)) = static_cast<uint8_t>(values[i]);
    labels.at(0, 0) = 255;
    write_label_png(root / "SegmentationClass" / (id + ".png"), labels);
  }
  void list(const std::string& name, const std::string& text) const {
    write_file(root / "ImageSets/Segmentation" / (name + ".txt"), text);
  }
  fs::path jpeg(const std::string& id) const { return root / "JPEGImages" / (id + ".jpg"); }
  fs::path xml_of(const std::string& id) const { return root / "Annotations" / (id + ".xml"); }
  fs::path index() const { return directory.path() / "dataset.h5"; }
};

}  // namespace boxseg::test
