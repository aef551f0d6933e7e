#include "common/data/formats/yolo/yolo_boxes.h"

#include <algorithm>
#include <iterator>

#include "common/base/error.h"
#include "common/base/text_file.h"
#include "common/data/formats/no_class.h"
#include "common/data/formats/yolo/yolo_config.h"
#include "common/data/formats/yolo/yolo_images.h"
#include "common/data/formats/yolo/yolo_labels.h"
#include "common/data/formats/yolo/yolo_paths.h"

namespace boxseg {
namespace {

// In the folder of the labels, or in one of the two above it: Roboflow's labels are in train/labels beside data.yaml.
YoloConfig config_near(const fs::path& folder) {
  fs::path place = absolute_path(folder);
  for (int level = 0; level < 3; ++level, place = place.parent_path())
    if (const fs::path file = find_yolo_config(place); !file.empty()) return read_yolo_config(file);
  return {};
}

YoloConfig config_of(const fs::path& path) {
  if (!is_there(path)) fail_input("{}: is not there; give a folder of labels, or data.yaml", path.string());
  if (is_folder(path)) {
    if (is_folder(path / "labels") && find_yolo_config(path).empty()) return config_near(path / "labels");
    return config_near(path);
  }
  if (!is_data_yaml(path))
    fail_input("{}: is no data.yaml with the names of classes; give that file, or the folder of the labels",
               path.string());
  return read_yolo_config(path);
}

// Whether what is read is the data set of the YAML, rather than a folder of labels with a YAML near it.
bool is_of_data_set(const YoloConfig& config, const fs::path& path) {
  if (config.splits.empty()) return false;
  return !is_folder(path) || absolute_path(config.file).parent_path() == absolute_path(path);
}

void describe_names(const YoloConfig& config, BoxAnnotations& read) {
  if (config.names.empty())
    read.doubts.push_back(
        "no names of classes are beside the labels, which have numbers only: they are called 'class 0', 'class 1', "
        "...; put a classes.txt with one name a line beside them");
  else if (config.has_invented_names)
    read.doubts.push_back(
        fmt::format("{}: says how many classes there are and not their names: they are called "
                    "'class 0', 'class 1', ...",
                    config.file.string()));
  else
    read.doubts.push_back(fmt::format("the names of classes are those of {}, by their order", config.file.string()));
}

constexpr int kTriedFiles = 100;  // by is_yolo(), of texts that are no labels

}  // namespace

BoxAnnotations read_yolo_boxes(const fs::path& labels_or_data_yaml) {
  const YoloConfig config = config_of(labels_or_data_yaml);
  BoxAnnotations read;
  read.format = "YOLO";
  read.is_in_shares = read.has_class_order = true;
  const bool is_data_set = is_of_data_set(config, labels_or_data_yaml);
  if (!is_data_set || config.has_invented_names) describe_names(config, read);
  const fs::path folder =
      is_folder(labels_or_data_yaml) ? labels_or_data_yaml : absolute_path(labels_or_data_yaml).parent_path();
  YoloImages found = is_data_set ? find_yolo_images(config, read.doubts) : find_yolo_labels(folder, read.doubts);
  read.splits = std::move(found.splits);

  YoloLabelReader labels(config);
  Tally repeats;
  for (const auto& [name, file] : found.labels_of) {
    AnnotatedImage image{.name = name, .id = "", .size = {}, .file = file, .boxes = labels.read(file, read.bad_boxes)};
    remove_repeats(image, repeats);
    read.images.push_back(std::move(image));
  }
  labels.describe(read.doubts);
  if (repeats.count > 0) read.doubts.push_back(describe_repeats(repeats));
  std::copy_if(config.names.begin(), config.names.end(), std::back_inserter(read.class_names),
               [](const std::string& name) { return !is_no_class(name); });
  if (config.names.empty())
    for (int64_t i = 0; i <= labels.highest_class(); ++i) read.class_names.push_back(fmt::format("class {}", i));
  return read;
}

bool is_yolo(const fs::path& path) {
  if (!is_folder(path)) return is_data_yaml(path);
  std::error_code error;
  int tried = 0;
  bool has_names = false, has_empty = false;
  for (fs::recursive_directory_iterator i(path, error); !error && i != fs::recursive_directory_iterator();
       i.increment(error)) {
    const fs::path& file = i->path();
    std::error_code ignored;
    if (file.filename().string().starts_with(".")) {
      i.disable_recursion_pending();
    } else if (is_data_yaml(file) && i.depth() == 0) {
      return true;
    } else if (is_names_file(file)) {
      has_names = true;
    } else if (file.extension() == ".txt" && fs::is_regular_file(file, ignored) && tried < kTriedFiles) {
      const std::string text = read_file(file);
      const bool is_empty = text.find_first_not_of(" \r\n\t") == std::string::npos;
      if (!is_empty && foreign_encoding(text).empty() && looks_like_yolo_labels(text)) return true;
      has_empty |= is_empty;
      tried += !is_empty;
    }
  }
  return has_names && has_empty;
}

}  // namespace boxseg
