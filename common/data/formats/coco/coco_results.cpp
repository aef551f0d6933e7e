#include "common/data/formats/coco/coco_results.h"

#include <algorithm>

#include "common/data/formats/coco/coco_ids.h"
#include "common/data/formats/coco/coco_outline.h"
#include "common/data/formats/entry_doubts.h"
#include "common/data/formats/json_beginning.h"

namespace boxseg {
namespace {

std::string known(const std::map<std::string, std::string>& names) {
  std::string text;
  size_t shown = 0;
  for (const auto& [id, name] : names) {
    if (++shown > 5) return text + fmt::format(" and {} more", names.size() - 5);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", id, name);
  }
  return text;
}

struct Detection {
  const std::string* image = nullptr;  // its name; nullptr: left out
  std::string id;                      // of the image
  AnnotatedBox box;
};

class Reader {
 public:
  Reader(const fs::path& file, const CocoNames& names) : file_(file), names_(names) {}

  BoxAnnotations read(int threads) {
    const CutFile cut = cut_coco_file(file_);
    const auto& list = cut.list("", file_);
    std::vector<Detection> detections(list.size());
    for_each_entry(list, file_, "", threads, [&](size_t i, const CocoEntry& entry) { take(entry, detections[i]); });
    BoxAnnotations all;
    all.format = "COCO results";
    all.is_of_detections = true;
    std::map<std::string, AnnotatedImage> images;
    for (Detection& detection : detections) {
      if (detection.image == nullptr) continue;
      auto& names = all.class_names;
      const std::string& name = detection.box.class_name;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      add(detection, images[*detection.image]);
    }
    std::sort(all.class_names.begin(), all.class_names.end());
    for (auto& [name, image] : images) all.images.push_back(std::move(image));
    all.doubts = doubts_.sentences();
    return all;
  }

 private:
  void doubt(const char* kind, const CocoPlace& place, const std::string& what) {
    doubts_.add(kind, place.index, fmt::format("{}: [{}] {}", file_.string(), place.index, what));
  }

  void take(const CocoEntry& entry, Detection& detection) {
    detection.id = plain(id_in(entry, "image_id"));
    const std::string category = plain(id_in(entry, "category_id"));
    const auto image = names_.image_of_id.find(detection.id);
    if (image == names_.image_of_id.end())
      return doubt("image", entry.place(),
                   fmt::format("is of image {}, which the dataset lacks; it is left out", detection.id));
    const auto name = names_.class_of_id.find(category);
    if (name == names_.class_of_id.end())
      entry.refuse(
          fmt::format("is of category {}, which the dataset lacks; it has {}", category, known(names_.class_of_id)));
    CocoOutline outline = outline_in(entry, {});
    if (!outline.trouble.empty()) entry.refuse(outline.trouble);
    const auto edges = outline.edges();
    if (!edges) return doubt("mask", entry.place(), "has no mask with a pixel in it; it is left out");
    AnnotatedBox& box = detection.box;
    box.class_name = name->second;
    box.x0 = (*edges)[0], box.y0 = (*edges)[1], box.x1 = (*edges)[2], box.y1 = (*edges)[3];
    if (entry.has("score")) box.score = entry.number("score");
    box.place = fmt::format("[{}]", entry.place().index);
    if (!outline.mask.runs.empty()) box.runs_size = {outline.mask.height, outline.mask.width};
    box.rings = std::move(outline.rings);
    box.runs = std::move(outline.mask.runs);
    detection.image = &image->second;
  }

  void add(Detection& detection, AnnotatedImage& image) const {
    image.name = *detection.image;
    image.id = detection.id;
    image.file = file_;
    const ImageSize size = detection.box.runs_size;
    if (size != ImageSize{} && image.size != ImageSize{} && image.size != size)
      fail_input("{}: {} has a mask of {}x{} pixels, and another one of image {} has {}x{}", file_.string(),
                 detection.box.place, size.width, size.height, image.id, image.size.width, image.size.height);
    if (size != ImageSize{}) image.size = size;
    image.boxes.push_back(std::move(detection.box));
  }

  const fs::path& file_;
  const CocoNames& names_;
  EntryDoubts doubts_;
};

}  // namespace

bool is_coco_results(const fs::path& file) {
  const JsonBeginning beginning = json_beginning(file);
  return beginning.is_list && beginning.has("image_id") && beginning.has("category_id");
}

BoxAnnotations read_coco_results(const fs::path& file, const CocoNames& names, int threads) {
  return Reader(file, names).read(threads);
}

}  // namespace boxseg
