// A folder of small photographs and what is annotated on them, in each format that `prepare boxes` reads.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/files.h"
#include "common/io/image.h"
#include "common/io/jpeg.h"
#include "tests/io/exif.h"
#include "tests/support/support.h"

namespace boxseg::test {

struct AnnotatedObject {
  std::string class_name;
  int x0, y0, x1, y1;  // edges of pixels
};
struct AnnotatedPhoto {
  std::string name;   // below the folder
  int width, height;  // upright
  std::vector<AnnotatedObject> objects;
  RgbImage pixels = {};          // upright; empty for a made-up texture
  bool is_stored_lying = false;  // a JPEG whose EXIF says that it has to be turned
};

inline const std::vector<AnnotatedPhoto>& annotated_photos() {
  static const std::vector<AnnotatedPhoto> photos = {
      {"a.jpg", 64, 48, {{"chat noir", 5, 6, 30, 40}, {"vélo", 0, 0, 64, 20}}},
      {"b c.jpg", 40, 60, {{"vélo", 3, 10, 37, 60}}},
      {"été.png", 50, 50, {{"chat noir", 1, 1, 9, 9}, {"chat noir", 20, 20, 50, 50}, {"zèbre", 10, 0, 20, 50}}},
      {"empty.jpg", 32, 24, {}}};
  return photos;
}
inline const std::vector<std::string>& annotated_classes() {
  static const std::vector<std::string> names = {"chat noir", "vélo", "zèbre"};
  return names;
}

inline RgbImage texture_of(const AnnotatedPhoto& photo) {
  RgbImage image(photo.height, photo.width);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<uint8_t>(i * 31 / 7 + photo.name.size() * 5);
  return image;
}

// Turned to the left, as a camera stores it that EXIF's orientation 6 turns back.
inline RgbImage lying(const RgbImage& upright) {
  RgbImage image(upright.width, upright.height);
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.pixels[static_cast<size_t>(3 * (y * image.width + x) + c)] =
            upright.pixels[static_cast<size_t>(3 * (x * upright.width + upright.width - 1 - y) + c)];
  return image;
}

struct OwnPhotos {
  std::vector<AnnotatedPhoto> photos;
  std::vector<std::string> classes;
  TemporaryDirectory directory;
  fs::path images = directory.path() / "my photos";
  explicit OwnPhotos(std::vector<AnnotatedPhoto> annotated = annotated_photos(),
                     std::vector<std::string> class_names = annotated_classes())
      : photos(std::move(annotated)), classes(std::move(class_names)) {
    for (const auto& photo : photos) {
      const RgbImage image = photo.pixels.pixels.empty() ? texture_of(photo) : photo.pixels;
      if (photo.is_stored_lying)
        write_file(images / photo.name, jpeg_with_exif(encode_jpeg(lying(image), 90), exif_of(6)));
      else if (photo.name.ends_with(".png"))
        write_rgb_png(images / photo.name, image);
      else
        write_rgb_jpeg(images / photo.name, image);
    }
  }
  fs::path operator/(const std::string& name) const { return directory.path() / name; }

  // Each writes all annotations below the directory and returns what `--boxes` names.
  fs::path coco() const {
    std::string images_json, annotations, categories;
    int image_id = 100, id = 5000;
    const auto comma = [](std::string& list) { list += list.empty() ? "" : ",\n"; };
    for (size_t c = 0; c < classes.size(); ++c) {
      comma(categories);
      categories += fmt::format(R"({{"id": {}, "name": "{}"}})", 3 + 2 * c, classes[c]);
    }
    for (const auto& photo : photos) {
      comma(images_json);
      images_json += fmt::format(R"({{"id": {}, "file_name": "{}", "width": {}, "height": {}, "license": 1}})",
                                 ++image_id, photo.name, photo.width, photo.height);
      for (const auto& o : photo.objects) {
        comma(annotations);
        annotations += fmt::format(
            R"({{"id": {}, "image_id": {}, "category_id": {}, "bbox": [{}, {}, {}, {}], "iscrowd": 0, "note": "kept"}})",
            id += 7, image_id, 3 + 2 * class_of(o), o.x0, o.y0, o.x1 - o.x0, o.y1 - o.y0);
      }
    }
    return written(
        "boxes.json",
        fmt::format(R"({{"info": {{"year": 2020}}, "images": [{}], "annotations": [{}], "categories": [{}]}})",
                    images_json, annotations, categories));
  }
  fs::path yolo() const {
    written("labels yolo/classes.txt", fmt::format("{}\n", fmt::join(classes, "\n")));
    for (const auto& photo : photos) {
      std::string lines;
      for (const auto& o : photo.objects)
        lines += fmt::format("{} {:.6f} {:.6f} {:.6f} {:.6f}\n", class_of(o), (o.x0 + o.x1) / 2.0 / photo.width,
                             (o.y0 + o.y1) / 2.0 / photo.height, (o.x1 - o.x0) / double(photo.width),
                             (o.y1 - o.y0) / double(photo.height));
      written(fmt::format("labels yolo/{}.txt", fs::path(photo.name).stem().string()), lines);
    }
    return directory.path() / "labels yolo";
  }
  fs::path csv() const {
    std::string lines = "image,xmin,ymin,xmax,ymax,class\n";
    for (const auto& photo : photos) {
      for (const auto& o : photo.objects)
        lines += fmt::format("{},{},{},{},{},{}\n", photo.name, o.x0, o.y0, o.x1, o.y1, o.class_name);
      if (photo.objects.empty()) lines += photo.name + ",,,,,\n";
    }
    return written("boxes.csv", lines);
  }
  fs::path labelme() const {
    for (const auto& photo : photos) {
      std::string shapes;
      for (const auto& o : photo.objects)
        shapes += fmt::format(
            R"({}{{"label": "{}", "points": [[{}, {}], [{}, {}]], "group_id": null, "shape_type": "rectangle", "flags": {{}}}})",
            shapes.empty() ? "" : ", ", o.class_name, o.x1, o.y1, o.x0, o.y0);
      written(fmt::format("labelme/{}.json", fs::path(photo.name).stem().string()),
              fmt::format(R"({{"version": "5.2.1", "flags": {{}}, "shapes": [{}], "imagePath": "..\\my photos\\{}",
                              "imageData": null, "imageHeight": {}, "imageWidth": {}}})",
                          shapes, photo.name, photo.height, photo.width));
    }
    return directory.path() / "labelme";
  }
  fs::path cvat() const {
    std::string text =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations><version>1.1</version><meta><task><labels>";
    for (const auto& name : classes) text += fmt::format("<label><name>{}</name></label>", name);
    text += "</labels></task></meta>\n";
    int id = 0;
    for (const auto& photo : photos) {
      text += fmt::format("<image id=\"{}\" name=\"{}\" width=\"{}\" height=\"{}\">", id++, photo.name, photo.width,
                          photo.height);
      for (const auto& o : photo.objects)
        text += fmt::format(
            "<box label=\"{}\" occluded=\"0\" xtl=\"{}.00\" ytl=\"{}.00\" xbr=\"{}.00\" ybr=\"{}.00\" "
            "z_order=\"0\"></box>",
            o.class_name, o.x0, o.y0, o.x1, o.y1);
      text += "</image>\n";
    }
    return written("cvat.xml", text + "</annotations>\n");
  }
  fs::path voc() const {
    for (const auto& photo : photos) {
      std::string objects;
      for (const auto& o : photo.objects)
        objects += fmt::format(
            "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></"
            "object>",
            o.class_name, o.x0 + 1, o.y0 + 1, o.x1, o.y1);
      written(
          fmt::format("voc/{}.xml", fs::path(photo.name).stem().string()),
          fmt::format("<annotation><filename>{}</filename><size><width>{}</width><height>{}</height><depth>3</depth>"
                      "</size>{}</annotation>",
                      photo.name, photo.width, photo.height, objects));
    }
    return directory.path() / "voc";
  }

 private:
  size_t class_of(const AnnotatedObject& o) const {
    return static_cast<size_t>(std::find(classes.begin(), classes.end(), o.class_name) - classes.begin());
  }
  fs::path written(const std::string& name, const std::string& text) const {
    write_file(directory.path() / name, text);
    return directory.path() / name;
  }
};

}  // namespace boxseg::test
