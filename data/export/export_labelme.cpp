// LabelMe's JSON files: those that the boxes came from with polygons added for each box or class, or new ones.
#include <map>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/files.h"
#include "data/export/exported_masks.h"

namespace boxseg {
namespace {

using Json = nlohmann::ordered_json;

Json polygon_of(const std::string& label, const std::vector<double>& ring, int64_t group, double score) {
  Json points = Json::array();
  for (size_t k = 0; k + 1 < ring.size(); k += 2) points.push_back({ring[k], ring[k + 1]});
  return {{"label", label},          {"points", std::move(points)}, {"group_id", group}, {"description", ""},
          {"shape_type", "polygon"}, {"flags", Json::object()},     {"score", score}};
}

Json new_file(const ExportOptions& options, const ImageEntry& image) {
  const fs::path folder = fs::absolute(options.output / output_name(image.id)).lexically_normal().parent_path();
  return {{"version", "5.0.0"},
          {"flags", Json::object()},
          {"shapes", Json::array()},
          {"imagePath", options.dataset.photo_path(image).lexically_relative(folder).string()},
          {"imageData", nullptr},
          {"imageHeight", image.photo_size().height},
          {"imageWidth", image.photo_size().width}};
}

// The file that an image's boxes came from, which its source_id names; a null where there is none.
Json original_of(const ExportOptions& options, const ImageEntry& image) {
  if (options.boxes.empty() || image.source_id.empty()) return nullptr;
  const fs::path path = fs::is_directory(options.boxes) ? options.boxes / image.source_id : options.boxes;
  if (path.extension() != ".json" || !fs::is_regular_file(path)) return nullptr;
  try {
    Json file = Json::parse(read_file(path));
    return file.is_object() && file.contains("shapes") && file["shapes"].is_array() ? file : Json();
  } catch (const nlohmann::json::exception& e) {
    fail_input("{}: is no JSON: {}", path.string(), e.what());
  }
}

}  // namespace

int64_t export_labelme(const ExportOptions& options) {
  const Dataset& d = options.dataset;
  int64_t count = 0;
  for (const int64_t i : d.split(options.split)) {
    const ImageEntry& image = d.images[static_cast<size_t>(i)];
    Json file = original_of(options, image);
    fs::path name = image.source_id;
    if (file.is_null()) {
      file = new_file(options, image);
      name = output_name(image.id) += ".json";
    } else {  // which lies elsewhere than it did
      const fs::path folder = fs::absolute(options.output / name).lexically_normal().parent_path();
      file["imagePath"] = d.photo_path(image).lexically_relative(folder).string();
    }
    int64_t group = 0;  // shapes of one mask share a number that no shape of the file has yet
    for (const Json& shape : file["shapes"])
      if (shape.is_object() && shape.contains("group_id") && shape["group_id"].is_number_integer())
        group = std::max(group, shape["group_id"].get<int64_t>() + 1);
    const auto masks = exported_masks(options, image);
    for (const ExportedMask& mask : masks) {
      const std::string& label = d.class_names[static_cast<size_t>(mask.box.class_id)];
      for (const auto& ring : mask.rings)
        file["shapes"].push_back(polygon_of(label, in_photograph(ring, image), group, mask.score));
      count += !mask.rings.empty();
      ++group;
    }
    write_file(options.place(name), file.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  return count;
}

}  // namespace boxseg
