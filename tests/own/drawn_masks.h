// Outlines of the objects in photos.h, in each format that masks come in: octagons of whole numbers, so that formats
// with shares of the sides have the same pixels.
#pragma once
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/data/formats/coco/coco_mask.h"
#include "common/io/label_png.h"
#include "tests/own/photos.h"

namespace boxseg::test {

inline std::vector<double> outline_of(const AnnotatedObject& o) {
  const double x0 = o.x0 + 1, y0 = o.y0, x1 = o.x1, y1 = o.y1 - 1, cut = 3;
  return {x0 + cut, y0, x1 - cut, y0, x1, y0 + cut, x1, y1 - cut,
          x1 - cut, y1, x0 + cut, y1, x0, y1 - cut, x0, y0 + cut};
}

struct DrawnMasks {
  explicit DrawnMasks(const OwnPhotos& photos) : folder(photos / "drawn") {}
  fs::path folder;

  // What each of them means: of objects that cover one another the smaller one is on top. Values are numbers of the
  // classes, from 1 on.
  static LabelMap map_of(const AnnotatedPhoto& photo) {
    LabelMap labels(photo.height, photo.width);
    std::vector<AnnotatedObject> objects = photo.objects;
    std::stable_sort(objects.begin(), objects.end(), [&](const AnnotatedObject& a, const AnnotatedObject& b) {
      return area_of(runs_of(photo, a)) > area_of(runs_of(photo, b));
    });
    for (const auto& object : objects) {
      const std::vector<uint8_t> inside = pixels_of(photo, object);
      for (size_t p = 0; p < inside.size(); ++p)
        if (inside[p]) labels.pixels[p] = static_cast<uint8_t>(class_of(object));
    }
    return labels;
  }

  fs::path pngs() const {
    for (const auto& photo : annotated_photos())
      if (!photo.objects.empty())
        write_label_png(folder / "pngs" / (fs::path(photo.name).stem().string() + ".png"), map_of(photo));
    return folder / "pngs";
  }
  // The same with other values, which classes.txt names.
  fs::path renamed_pngs() const {
    for (const auto& photo : annotated_photos()) {
      if (photo.objects.empty()) continue;
      LabelMap labels = map_of(photo);
      for (uint8_t& value : labels.pixels) value = value == 0 ? 0 : static_cast<uint8_t>(4 - value);
      write_label_png(folder / "renamed" / (photo.name + ".png"), labels);
    }
    write_file(folder / "renamed/classes.txt", "background\nzèbre\nvélo\nchat noir\n");
    return folder / "renamed";
  }
  enum class Segmentation { polygons, list, text };
  // The annotations of photos.coco(), with other ids of images and categories.
  fs::path coco(Segmentation kind) const {
    std::string images, annotations, categories;
    for (size_t c = 0; c < annotated_classes().size(); ++c)
      add(categories, fmt::format(R"({{"id": {}, "name": "{}"}})", 90 - c, annotated_classes()[c]));
    for (size_t i = 0; i < annotated_photos().size(); ++i) {
      const AnnotatedPhoto& photo = annotated_photos()[i];
      add(images, fmt::format(R"({{"id": {}, "file_name": "{}", "width": {}, "height": {}}})", i, photo.name,
                              photo.width, photo.height));
      for (const auto& o : photo.objects)
        add(annotations,
            fmt::format(
                R"({{"id": {}, "image_id": {}, "category_id": {}, "bbox": [{}, {}, {}, {}], "segmentation": {}}})",
                annotations.size(), i, 91 - class_of(o), o.x0 + 1, o.y0, o.x1 - o.x0 - 1, o.y1 - o.y0 - 1,
                segmentation(photo, o, kind)));
    }
    return written(
        fmt::format("coco {}.json", static_cast<int>(kind)),
        fmt::format(R"({{"images": [{}], "annotations": [{}], "categories": [{}]}})", images, annotations, categories));
  }
  // With the ids of photos.coco(). `more`: further detections, put in front.
  fs::path results(Segmentation kind, const std::string& more = "") const {
    std::string detections = more;
    for (size_t i = 0; i < annotated_photos().size(); ++i)
      for (const auto& o : annotated_photos()[i].objects)
        add(detections, detection(i, o, segmentation(annotated_photos()[i], o, kind), 0.9));
    return written("results.json", "[" + detections + "]");
  }
  // The same file alone in a folder.
  fs::path folder_of_results() const {
    fs::create_directories(folder / "a folder");
    fs::copy_file(results(Segmentation::list), folder / "a folder/results.json");
    return folder / "a folder";
  }
  static std::string detection(size_t photo, const AnnotatedObject& o, const std::string& segmentation, double score) {
    return fmt::format(R"({{"image_id": {}, "category_id": {}, "segmentation": {}, "score": {}}})", 101 + photo,
                       1 + 2 * class_of(o), segmentation, score);
  }
  fs::path labelme() const {
    for (const auto& photo : annotated_photos()) {
      std::string shapes;
      for (const auto& o : photo.objects) {
        std::string points;
        const auto ring = outline_of(o);
        for (size_t i = 0; i < ring.size(); i += 2) add(points, fmt::format("[{}, {}]", ring[i], ring[i + 1]));
        add(shapes, fmt::format(R"({{"label": "{}", "points": [{}], "group_id": null, "shape_type": "polygon"}})",
                                o.class_name, points));
      }
      written(fmt::format("labelme/{}.json", fs::path(photo.name).stem().string()),
              fmt::format(R"({{"version": "5.2.1", "flags": {{}}, "shapes": [{}], "imagePath": "{}",
                              "imageData": null, "imageHeight": {}, "imageWidth": {}}})",
                          shapes, photo.name, photo.height, photo.width));
    }
    return folder / "labelme";
  }
  fs::path cvat(bool has_masks) const {
    std::string text = "<annotations><version>1.1</version>\n";
    for (size_t i = 0; i < annotated_photos().size(); ++i) {
      const AnnotatedPhoto& photo = annotated_photos()[i];
      text +=
          fmt::format(R"(<image id="{}" name="{}" width="{}" height="{}">)", i, photo.name, photo.width, photo.height);
      for (const auto& o : photo.objects) {
        std::string what;
        if (has_masks) {
          std::string rows;
          uint8_t now = 0;
          int run = 0;
          for (const uint8_t inside : pixels_of(photo, o)) {
            if (inside != now) rows += fmt::format("{}, ", std::exchange(run, 0)), now = inside;
            ++run;
          }
          what = fmt::format(R"(<mask label="{}" rle="{}{}" left="0" top="0" width="{}" height="{}"/>)", o.class_name,
                             rows, run, photo.width, photo.height);
        } else {
          std::string points;
          const auto ring = outline_of(o);
          for (size_t p = 0; p < ring.size(); p += 2)
            points += fmt::format("{}{:.2f},{:.2f}", p == 0 ? "" : ";", ring[p], ring[p + 1]);
          what = fmt::format(R"(<polygon label="{}" points="{}"/>)", o.class_name, points);
        }
        text += what;
      }
      text += "</image>\n";
    }
    return written(has_masks ? "masks.xml" : "polygons.xml", text + "</annotations>\n");
  }
  fs::path yolo() const {
    written("yolo/classes.txt", fmt::format("{}\n", fmt::join(annotated_classes(), "\n")));
    for (const auto& photo : annotated_photos()) {
      std::string lines;
      for (const auto& o : photo.objects) {
        lines += std::to_string(class_of(o) - 1);
        const auto ring = outline_of(o);
        for (size_t i = 0; i < ring.size(); i += 2)
          lines += fmt::format(" {:.6f} {:.6f}", ring[i] / photo.width, ring[i + 1] / photo.height);
        lines += "\n";
      }
      written(fmt::format("yolo/{}.txt", fs::path(photo.name).stem().string()), lines);
    }
    return folder / "yolo";
  }

  static std::string segmentation(const AnnotatedPhoto& photo, const AnnotatedObject& o, Segmentation kind) {
    if (kind == Segmentation::polygons) return fmt::format("[[{}]]", fmt::join(outline_of(o), ", "));
    const RunLengths runs = runs_of(photo, o);
    const std::string counts = kind == Segmentation::list ? fmt::format("[{}]", fmt::join(runs.runs, ", "))
                                                          : nlohmann::json(text_of_mask(runs)).dump();
    return fmt::format(R"({{"size": [{}, {}], "counts": {}}})", photo.height, photo.width, counts);
  }

 private:
  static size_t class_of(const AnnotatedObject& o) {
    const auto& names = annotated_classes();
    return 1 + static_cast<size_t>(std::find(names.begin(), names.end(), o.class_name) - names.begin());
  }
  static RunLengths runs_of(const AnnotatedPhoto& photo, const AnnotatedObject& o) {
    return mask_of_polygons({outline_of(o)}, photo.height, photo.width);
  }
  static std::vector<uint8_t> pixels_of(const AnnotatedPhoto& photo, const AnnotatedObject& o) {  // [H,W]
    std::vector<uint8_t> inside(static_cast<size_t>(photo.width * photo.height));
    size_t at = 0;
    uint8_t value = 0;
    for (const uint32_t run : runs_of(photo, o).runs) {
      for (uint32_t k = 0; k < run; ++k, ++at)
        inside[at % static_cast<size_t>(photo.height) * static_cast<size_t>(photo.width) +
               at / static_cast<size_t>(photo.height)] = value;
      value = value == 0 ? 1 : 0;
    }
    return inside;
  }
  static void add(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }
  fs::path written(const std::string& name, const std::string& text) const {
    write_file(folder / name, text);
    return folder / name;
  }
};

}  // namespace boxseg::test
