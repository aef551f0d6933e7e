#include "common/data/formats/voc/voc_boxes.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/visible_text.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/no_class.h"
#include "common/data/formats/voc/voc_annotation.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

// What is told once for all files.
struct Doubts {
  Tally other_names, numbers_below_1, several_boxes, rotated;
  int64_t boxes = 0;
};

// "a.jpg" in "C:\photos\a.jpg" and in "d/a.jpg", on any system.
std::string last_part(const std::string& path) {
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Whether <filename> is of the photograph that the XML file is named after: with or without suffix, in any folder. An
// XML file may be named "a.xml" or "a.jpg.xml".
bool is_of(const std::string& image_name, const std::string& xml_stem) {
  const std::string name = last_part(image_name);
  return name == xml_stem || name.substr(0, name.find_last_of('.')) == xml_stem;
}

std::string name_of_image(const VocAnnotation& annotation, const fs::path& file, Doubts& doubts) {
  const std::string stem = file.stem().string();
  if (is_of(annotation.image_name, stem)) return annotation.image_name;
  if (!annotation.image_name.empty())
    doubts.other_names.add(fmt::format("{} with {}", file.string(), visible(annotation.image_name)));
  return stem;
}

AnnotatedBox with_edges(const VocBox& voc) {
  AnnotatedBox box;
  box.class_name = voc.class_name;
  box.x0 = double{voc.xmin} - 1;
  box.y0 = double{voc.ymin} - 1;
  box.x1 = voc.xmax;
  box.y1 = voc.ymax;
  box.is_difficult = voc.is_difficult;
  box.place = fmt::format("object {}", voc.object);
  return box;
}

void take_boxes(const VocAnnotation& annotation, AnnotatedImage& image, BoxAnnotations& all, Doubts& doubts) {
  int64_t previous = 0;
  for (const VocBox& voc : annotation.boxes) {
    const std::string where = fmt::format("{}: object {} ({})", image.file.string(), voc.object, voc.class_name);
    if (is_no_class(voc.class_name)) {
      all.bad_boxes.push_back(where + ": its class stands for what is no object; name a class, or remove the box");
      continue;
    }
    ++doubts.boxes;
    if (voc.object == previous) doubts.several_boxes.add(where);
    if (voc.xmin < 1 || voc.ymin < 1) doubts.numbers_below_1.add(where);
    previous = voc.object;
    image.boxes.push_back(with_edges(voc));
  }
  if (!annotation.rotated.empty()) doubts.rotated.add(annotation.rotated);
  all.bad_boxes.insert(all.bad_boxes.end(), annotation.bad_boxes.begin(), annotation.bad_boxes.end());
}

std::vector<std::string> sentences_of(const Doubts& doubts) {
  std::vector<std::string> sentences;
  if (const Tally& t = doubts.other_names; t.count > 0)
    sentences.push_back(fmt::format(
        "{} another photograph in <filename> than the XML file is named after, the first is {}; the name of "
        "the XML file is taken",
        t.counted("annotation has", "annotations have"), t.first));
  if (const Tally& t = doubts.numbers_below_1; t.count > 0)
    sentences.push_back(fmt::format(
        "{} of {} an xmin or ymin below 1, the first is {}; VOC counts pixels from 1, and so the numbers are taken: if "
        "the tool that wrote them counts from 0, all boxes lie one pixel too far to the left and to the top",
        t.count, doubts.boxes == 1 ? "1 box has" : fmt::format("{} boxes have", doubts.boxes), t.first));
  if (const Tally& t = doubts.several_boxes; t.count > 0)
    sentences.push_back(fmt::format("{} in an object that has one already, the first is {}; each is taken as a box",
                                    t.counted("<bndbox> stands", "<bndbox> stand"), t.first));
  if (const Tally& t = doubts.rotated; t.count > 0)
    sentences.push_back(
        fmt::format("{} boxes that were drawn turned, the first is {}; the upright <bndbox> is taken, which may not "
                    "hold the object",
                    t.counted("annotation has", "annotations have"), t.first));
  return sentences;
}

}  // namespace

BoxAnnotations read_voc_boxes(const std::vector<fs::path>& files, int threads) {
  const VocAnnotationRules rules{.needs_size = false, .other_remedy = ", or remove the object"};
  std::vector<VocAnnotation> annotations(files.size());
  parallel_for(static_cast<int64_t>(files.size()), 16, threads, [&](int64_t begin, int64_t end) {
    throw_if_interrupted();
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      annotations[i] = read_voc_annotation(files[i], rules);
  });
  BoxAnnotations all;
  all.format = "VOC XML";
  Doubts doubts;
  std::set<std::string> classes;
  for (size_t i = 0; i < files.size(); ++i) {
    AnnotatedImage image;
    image.file = files[i];
    image.name = name_of_image(annotations[i], files[i], doubts);
    image.size = annotations[i].size;
    take_boxes(annotations[i], image, all, doubts);
    for (const auto& [name, objects] : annotations[i].objects_of_class)
      if (!is_no_class(name)) classes.insert(name);
    all.images.push_back(std::move(image));
  }
  std::stable_sort(all.images.begin(), all.images.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  all.class_names.assign(classes.begin(), classes.end());
  all.doubts = sentences_of(doubts);
  return all;
}

}  // namespace boxseg
