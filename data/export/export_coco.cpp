// COCO's JSON: the file that the boxes came from with masks added, or a new one.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/data/boxes.h"
#include "common/data/formats/coco/coco_boxes.h"
#include "common/runtime/parallel.h"
#include "data/export/exported_masks.h"

namespace boxseg {
namespace {

using Json = nlohmann::ordered_json;  // keeps the fields in their order

void put_mask(const ExportedMask& mask, const ImageEntry& image, Json& annotation) {
  const ImageSize size = image.photo_size();
  // An empty list of polygons is refused by some readers; run lengths without a pixel are not.
  if (mask.rings.empty())
    annotation["segmentation"] = {{"size", {size.height, size.width}}, {"counts", {size.height * size.width}}};
  else {
    annotation["segmentation"] = Json::array();
    for (const auto& ring : mask.rings) annotation["segmentation"].push_back(in_photograph(ring, image));
  }
  annotation["area"] = mask.area;
  annotation["score"] = mask.score;
}

std::string text_of_id(const Json& id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

Json read_original(const fs::path& path) {
  try {
    return Json::parse(read_file(path));
  } catch (const nlohmann::json::exception& e) {
    fail_input("{}: is no JSON: {}", path.string(), e.what());
  }
}

// Whether an annotation still has the box that was indexed, which was clipped to the photograph.
bool is_box_of(const Json& annotation, const Box& indexed, const ImageEntry& image) {
  if (!annotation.contains("bbox")) return true;
  const auto bbox = annotation["bbox"].get<std::vector<double>>();
  if (bbox.size() != 4) return false;
  const Box box = in_photograph(indexed, image);
  const auto w = static_cast<double>(image.photo_size().width), h = static_cast<double>(image.photo_size().height);
  const auto is_near = [](double a, double b, double side) { return std::abs(std::clamp(a, 0.0, side) - b) < 0.01; };
  return is_near(bbox[0], box.x0, w) && is_near(bbox[1], box.y0, h) && is_near(bbox[0] + bbox[2], box.x1, w) &&
         is_near(bbox[1] + bbox[3], box.y1, h);
}

// Fields and annotations that are not ours stay as they are.
int64_t add_to_original(const ExportOptions& options, const std::vector<std::vector<ExportedMask>>& masks, Json& file) {
  struct Place {
    size_t image, box;
  };
  std::map<std::pair<std::string, std::string>, Place> place_of;  // by the ids of image and annotation
  const auto& members = options.dataset.split(options.split);
  for (size_t n = 0; n < members.size(); ++n) {
    const ImageEntry& image = options.dataset.images[static_cast<size_t>(members[n])];
    for (size_t b = 0; b < image.box_ids.size(); ++b) place_of[{image.source_id, image.box_ids[b]}] = {n, b};
  }
  int64_t count = 0;
  for (Json& annotation : file["annotations"]) {
    if (!annotation.is_object() || !annotation.contains("id") || !annotation.contains("image_id")) continue;
    const auto found = place_of.find({text_of_id(annotation["image_id"]), text_of_id(annotation["id"])});
    if (found == place_of.end()) continue;
    const ImageEntry& image = options.dataset.images[static_cast<size_t>(members[found->second.image])];
    const Box& box = image.boxes[found->second.box];
    if (box.is_crowd || !is_box_of(annotation, box, image)) continue;
    put_mask(masks[found->second.image][found->second.box], image, annotation);
    ++count;
  }
  return count;
}

Box edges_of(const PixelBox& box) {
  const auto edge = [](int64_t pixels) { return static_cast<float>(pixels); };
  return {edge(box.x0), edge(box.y0), edge(box.x1), edge(box.y1), box.class_id};
}

int64_t make_new(const ExportOptions& options, const std::vector<std::vector<ExportedMask>>& masks, Json& file) {
  const Dataset& d = options.dataset;
  file = {{"images", Json::array()}, {"annotations", Json::array()}, {"categories", Json::array()}};
  for (size_t c = 1; c < d.class_names.size(); ++c)
    file["categories"].push_back({{"id", c}, {"name", d.class_names[c]}});
  const auto& members = d.split(options.split);
  int64_t count = 0;
  for (size_t n = 0; n < members.size(); ++n) {
    const ImageEntry& image = d.images[static_cast<size_t>(members[n])];
    const ImageSize size = image.photo_size();
    file["images"].push_back(
        {{"id", n + 1}, {"file_name", image.photo_path()}, {"width", size.width}, {"height", size.height}});
    for (size_t b = 0; b < masks[n].size(); ++b) {
      const Box box = in_photograph(
          options.is_per_class ? edges_of(masks[n][b].box) : in_edges(image.boxes[b], d.box_numbers), image);
      Json annotation = {{"id", ++count},
                         {"image_id", n + 1},
                         {"category_id", box.class_id},
                         {"bbox", {box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0}},
                         {"iscrowd", box.is_crowd ? 1 : 0}};
      if (!box.is_crowd) put_mask(masks[n][b], image, annotation);
      file["annotations"].push_back(std::move(annotation));
    }
  }
  return count;
}

}  // namespace

int64_t export_coco(const ExportOptions& options) {
  const auto& members = options.dataset.split(options.split);
  std::vector<std::vector<ExportedMask>> masks(members.size());
  parallel_for(static_cast<int64_t>(members.size()), 1, options.threads, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      masks[static_cast<size_t>(n)] =
          exported_masks(options, options.dataset.images[static_cast<size_t>(members[static_cast<size_t>(n)])]);
  });
  Json file;
  int64_t count = 0;
  if (options.is_per_class) {  // no annotation is of a whole class
    count = make_new(options, masks, file);
  } else if (!options.boxes.empty() && fs::is_regular_file(options.boxes) && is_coco(options.boxes)) {
    file = read_original(options.boxes);
    try {
      count = add_to_original(options, masks, file);
    } catch (const nlohmann::json::exception& e) {
      fail_input("{}: is no longer what was indexed ({}); index it again with prepare boxes", options.boxes.string(),
                 e.what());
    }
    if (const int64_t all = boxes_to_export(options); count < all)
      log_warning(
          "{}: {} of {} boxes are not there with the ids and sides that were indexed, and get no mask; index it "
          "again with prepare boxes",
          options.boxes.string(), all - count, all);
  } else {
    const auto came = options.dataset.facts.find("format of the boxes");
    if (came != options.dataset.facts.end() && came->second == "COCO JSON")
      log_warning("{}: is not there any more; a new file is written, with other ids", options.boxes.string());
    count = make_new(options, masks, file);
  }
  write_file(options.output, file.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  return count;
}

}  // namespace boxseg
