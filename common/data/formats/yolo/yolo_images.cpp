#include "common/data/formats/yolo/yolo_images.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/yolo/yolo_labels.h"
#include "common/data/formats/yolo/yolo_paths.h"
#include "common/data/photo_folder.h"

namespace boxseg {
namespace {

// Whether an image of this path, its labels, or a folder with either of them is there.
bool has_image_or_labels(const fs::path& path) { return is_there(path) || is_there(yolo_labels_of(path)); }
bool has_folder_or_labels(const fs::path& path) { return is_there(path) || is_folder(yolo_label_folder_of(path)); }

std::string describe_other_texts(const Tally& texts) {
  return fmt::format("{} no labels and left out, the first is {}", texts.counted("text is", "texts are"), texts.first);
}

class Finder {
 public:
  Finder(const YoloConfig& config, std::vector<std::string>& doubts) : config_(config), doubts_(doubts) {
    beside_ = absolute_path(config.file).parent_path();
    root_ = find_root();
  }

  YoloImages find() {
    int64_t found_entries = 0;
    for (const auto& [split, entries] : config_.splits)
      for (const std::string& entry : entries) {
        const fs::path path = locate(entry, split);
        if (path.empty()) {
          missing_.push_back(fmt::format("{}: {}", split, entry));
          continue;
        }
        ++found_entries;
        names_ = &images_.splits[split];
        if (is_there(path) && !is_folder(path))
          add_list(path);
        else
          add_folder(path);
      }
    const std::string file = config_.file.string();
    if (found_entries == 0)
      fail_input("{}: none of its folders and lists of images is below {} ({}); correct 'path' and the splits", file,
                 root_.string(), join(missing_, ", "));
    if (!missing_.empty())
      doubts_.push_back(
          fmt::format("{}: not found below {} and left out: {}", file, root_.string(), join(missing_, ", ")));
    if (images_.labels_of.empty())
      fail_input(
          "{}: none of its {} images has labels; the first is looked for as {}: a folder 'labels' stands beside the "
          "folder 'images' and holds NAME.txt at the same place",
          file, without_labels_.count, without_labels_.first);
    describe();
    return std::move(images_);
  }

 private:
  fs::path find_root() {
    if (config_.root.empty()) return beside_;
    const fs::path root = absolute_path(beside_ / config_.root);
    if (is_folder(root)) return root;
    for (const fs::path& end : ends_of_path(config_.root))
      if (is_folder(beside_ / end)) return guessed_root(beside_ / end);
    return guessed_root(beside_);
  }
  fs::path guessed_root(const fs::path& root) {
    doubts_.push_back(
        fmt::format("{}: its 'path' {} is not there: {} is taken", config_.file.string(), config_.root, root.string()));
    return root;
  }

  // The folder or list of a split; empty where it is not there. Roboflow writes "../train/images" for "train/images",
  // which Ultralytics takes.
  fs::path locate(const std::string& entry, const std::string& split) {
    std::vector<fs::path> wanted = {root_ / entry};
    if (entry.starts_with("../")) wanted.push_back(root_ / entry.substr(3));
    for (const fs::path& path : wanted)
      if (has_folder_or_labels(absolute_path(path))) return absolute_path(path);
    for (const fs::path& folder : {root_, beside_})
      for (const fs::path& end : ends_of_path(entry)) {
        const fs::path path = absolute_path(folder / end);
        if (!has_folder_or_labels(path)) continue;
        doubts_.push_back(
            fmt::format("{}: '{}: {}' is not there: {} is taken", config_.file.string(), split, entry, path.string()));
        return path;
      }
    return {};
  }

  std::string name_of(const fs::path& image) const {
    const fs::path name = image.lexically_relative(root_);
    return name.empty() || *name.begin() == ".." ? image.string() : name.string();
  }

  // `image` is without suffix.
  void add(const fs::path& image, const fs::path& labels) {
    const std::string name = name_of(image);
    names_->push_back(name);
    if (is_there(labels))
      images_.labels_of[name] = labels;
    else
      without_labels_.add(labels.string());
  }

  void add_folder(const fs::path& folder) {
    std::map<fs::path, fs::path> image_of;  // file of labels -> image
    if (is_folder(folder)) {
      const PhotoFolder found = find_photos(folder);
      for (const auto& [name, path] : found.photos) image_of[yolo_labels_of(path)] = fs::path(path).replace_extension();
      for (const std::string& left_out : found.folders_left_out)
        doubts_.push_back(fmt::format("{}: {} and left out", folder.string(), left_out));
    }
    if (const fs::path labels = yolo_label_folder_of(folder); is_folder(labels))
      for (const fs::path& file : find_text_files(labels, doubts_)) {
        if (image_of.contains(file)) continue;
        if (looks_like_yolo_labels(read_file(file)))
          image_of[file] = yolo_image_of(file);
        else
          other_texts_.add(file.string());
      }
    for (const auto& [labels, image] : image_of) add(image, labels);
  }

  // Lines "./x" are relative to the list, others to the root; others write them relative to where they are.
  void add_list(const fs::path& list) {
    for (const std::string& line : read_lines(read_text_file(list))) {
      fs::path image = absolute_path(root_ / line);
      if (line.starts_with("./") || !has_image_or_labels(image)) image = absolute_path(list.parent_path() / line);
      if (!has_image_or_labels(image)) image = guessed_image(line, list);
      add(fs::path(image).replace_extension(), yolo_labels_of(image));
    }
  }
  fs::path guessed_image(const std::string& line, const fs::path& list) {
    for (const fs::path& folder : {root_, list.parent_path()})
      for (const fs::path& end : ends_of_path(line))
        if (const fs::path image = absolute_path(folder / end); has_image_or_labels(image)) {
          moved_.add(fmt::format("{}: {} as {}", list.string(), line, image.string()));
          return image;
        }
    const auto ends = ends_of_path(line);
    return absolute_path(root_ / (ends.empty() ? fs::path(line) : ends[0]));
  }

  void describe() {
    if (moved_.count > 0)
      doubts_.push_back(fmt::format("{} not where lists say and taken by the last parts of the path, the first is {}",
                                    moved_.counted("image is", "images are"), moved_.first));
    if (without_labels_.count > 0)
      doubts_.push_back(fmt::format("{} without labels and counts as an image without boxes, the first has no {}",
                                    without_labels_.counted("image is", "images are"), without_labels_.first));
    if (other_texts_.count > 0) doubts_.push_back(describe_other_texts(other_texts_));
    Tally twice, shared;
    std::map<std::string, std::string> split_of;
    for (auto& [split_name, names] : images_.splits) {
      const std::string& split = split_name;
      std::set<std::string> seen;
      std::erase_if(names, [&](const std::string& name) {
        if (seen.insert(name).second) return false;
        twice.add(fmt::format("'{}' in {}", name, split));
        return true;
      });
      for (const std::string& name : names)
        if (const auto [other, is_new] = split_of.emplace(name, split); !is_new)
          shared.add(fmt::format("'{}' in {} and in {}", name, other->second, split));
    }
    if (twice.count > 0)
      doubts_.push_back(fmt::format("{} twice in a split and taken once, the first is {}",
                                    twice.counted("image stands", "images stand"), twice.first));
    if (shared.count > 0)
      doubts_.push_back(
          fmt::format("{} in two splits, the first is {}", shared.counted("image is", "images are"), shared.first));
  }

  const YoloConfig& config_;
  std::vector<std::string>& doubts_;
  fs::path beside_, root_;
  std::vector<std::string>* names_ = nullptr;  // of the split that is being read
  std::vector<std::string> missing_;
  Tally without_labels_, moved_, other_texts_;
  YoloImages images_;
};

}  // namespace

YoloImages find_yolo_images(const YoloConfig& config, std::vector<std::string>& doubts) {
  return Finder(config, doubts).find();
}

YoloImages find_yolo_labels(const fs::path& folder, std::vector<std::string>& doubts) {
  const fs::path labels = is_folder(folder / "labels") ? folder / "labels" : folder;
  YoloImages images;
  Tally others;
  for (const fs::path& file : find_text_files(labels, doubts)) {
    if (looks_like_yolo_labels(read_text_file(file)))
      images.labels_of[file.lexically_relative(labels).replace_extension().string()] = file;
    else
      others.add(file.string());
  }
  if (images.labels_of.empty())
    fail_input(
        "{}: holds no file of YOLO labels, which is called NAME.txt and has lines 'CLASS CX CY W H' in shares of width "
        "and height{}; give the folder of the labels, or data.yaml",
        labels.string(), others.count > 0 ? fmt::format(" (as {} has not)", others.first) : "");
  if (others.count > 0) doubts.push_back(describe_other_texts(others));
  return images;
}

}  // namespace boxseg
