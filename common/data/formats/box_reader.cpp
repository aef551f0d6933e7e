#include "common/data/formats/box_reader.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/base/visible_text.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/box_formats.h"
#include "common/data/formats/coco/coco_boxes.h"
#include "common/data/formats/csv/csv_boxes.h"
#include "common/data/formats/cvat/cvat_boxes.h"
#include "common/data/formats/labelme/labelme_boxes.h"
#include "common/data/formats/voc/voc_boxes.h"
#include "common/data/formats/yolo/yolo_boxes.h"

namespace boxseg {
namespace {

// What read_boxes() was asked.
struct Request {
  int threads;
  const std::string& option;  // "--boxes"
};

// Files of one format: one, unless has_file_per_image().
BoxAnnotations read_files(BoxFormat format, const std::vector<fs::path>& files, const Request& request) {
  const std::string more = files.size() == 1 ? "" : fmt::format(" and {} more", files.size() - 1);
  log_info("{} are read as {}: {}{}", request.option.substr(2), name_of(format), files[0].string(), more);
  switch (format) {
    case BoxFormat::coco:
      return read_coco_boxes(files[0], request.threads);
    case BoxFormat::labelme:
      return read_labelme_boxes(files, request.threads);
    case BoxFormat::cvat:
      return read_cvat_boxes(files[0]);
    case BoxFormat::voc:
      return read_voc_boxes(files, request.threads);
    case BoxFormat::csv:
      return read_csv_boxes(files[0]);
    case BoxFormat::yolo:
      return read_yolo_boxes(files[0]);
    case BoxFormat::unknown:
      break;
  }
  fail("read_files: {} has no reader", files[0].string());
}

BoxAnnotations read_file_of_boxes(const fs::path& file, const Request& request) {
  const BoxFormat format = format_of_file(file);
  if (format != BoxFormat::unknown) return read_files(format, {file}, request);
  const std::string hint = hint_on_unknown(file);
  fail_input("{}: {}{}known formats of boxes are {}", file.string(), hint.empty() ? "is of no known format" : hint,
             "; ", known_formats());
}

// The folder in which all these files are, directly or below.
fs::path common_folder(const std::vector<fs::path>& files) {
  fs::path folder = files[0].parent_path();
  for (const fs::path& file : files)
    while (!folder.empty() &&
           std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first != folder.end())
      folder = folder.parent_path();
  return folder;
}

// Lists "YOLO (labels/a.txt and 17 more)" of each format that a folder holds.
std::vector<std::string> describe(const BoxFiles& found) {
  std::vector<std::string> formats;
  const auto add = [&](BoxFormat format, const std::vector<fs::path>& files) {
    const std::string more = files.size() == 1 ? "" : fmt::format(" and {} more", files.size() - 1);
    formats.push_back(fmt::format("{} ({}{})", name_of(format), files[0].string(), more));
  };
  for (const auto& [format, files] : found.files) add(format, files);
  if (!found.labels.empty() && found.files.count(BoxFormat::yolo) == 0) add(BoxFormat::yolo, found.labels);
  return formats;
}

void refuse_several(const fs::path& folder, const BoxFiles& found, const std::string& option) {
  const std::vector<std::string> formats = describe(found);
  if (formats.size() > 1)
    fail_input("{}: holds boxes in several formats: {}; name the file or folder that is meant: {} PATH",
               folder.string(), join(formats, ", "), option);
  for (const auto& [format, files] : found.files) {
    if (has_file_per_image(format) || files.size() == 1) continue;
    std::vector<std::string> names;
    for (size_t i = 0; i < std::min<size_t>(files.size(), 5); ++i) names.push_back(files[i].string());
    fail_input(
        "{}: holds {} files of {}, of which one can be read at a time: {}{}; name the one that is meant: {} FILE",
        folder.string(), files.size(), name_of(format), join(names, ", "), files.size() > 5 ? ", ..." : "", option);
  }
}

[[noreturn]] void refuse_unknown(const fs::path& folder, const BoxFiles& found) {
  std::string seen = found.describe_seen();
  if (seen.empty()) seen = "no file";
  std::string first;
  if (!found.unknown.empty()) {
    const std::string hint = hint_on_unknown(found.unknown[0]);
    first = fmt::format("; {} {}", found.unknown[0].string(), hint.empty() ? "is of no known format" : hint);
  }
  const std::string left_out = found.folders_left_out.empty() ? "" : "; " + found.folders_left_out[0];
  fail_input("{}: holds no file of boxes. It holds, with the folders in it: {}{}{}. Known formats are {}",
             folder.string(), seen, first, left_out, known_formats());
}

// A broken file among those of LabelMe or VOC would cost its photograph.
void refuse_broken(const fs::path& folder, const BoxFiles& found) {
  const BoxFormat format = found.files.begin()->first;
  if (!has_file_per_image(format)) return;
  const std::string suffix = found.files.begin()->second[0].extension().string();
  for (const fs::path& file : found.unknown)
    if (file.extension() == suffix)
      if (const std::string fault = fault_of_text(file); !fault.empty())
        fail_input("{}: {} Mend it, or move it out of {}", file.string(), fault, folder.string());
}

BoxAnnotations read_folder_of_boxes(const fs::path& folder, const Request& request) {
  const BoxFiles found = find_box_files(folder, request.threads);
  refuse_several(folder, found, request.option);
  BoxAnnotations read;
  if (!found.files.empty()) {
    refuse_broken(folder, found);
    read = read_files(found.files.begin()->first, found.files.begin()->second, request);
  } else if (!found.labels.empty()) {
    std::vector<fs::path> texts = found.labels;
    texts.insert(texts.end(), found.empty_texts.begin(), found.empty_texts.end());
    read = read_files(BoxFormat::yolo, {common_folder(texts)}, request);
  } else if (is_yolo(folder)) {  // empty labels alone
    read = read_files(BoxFormat::yolo, {folder}, request);
  } else {
    refuse_unknown(folder, found);
  }
  read.doubts.insert(read.doubts.end(), found.folders_left_out.begin(), found.folders_left_out.end());
  if (!found.unknown.empty())
    read.doubts.push_back(fmt::format("{} in {} of no known format of boxes and not read, the first is {}",
                                      found.unknown.size() == 1
                                          ? "1 file (.xml, .json) is"
                                          : fmt::format("{} files (.xml, .json) are", found.unknown.size()),
                                      folder.string(), found.unknown[0].string()));
  return read;
}

void doubt_names(BoxAnnotations& read) {
  Tally repeated;
  for (size_t i = 1; i < read.images.size(); ++i)
    if (read.images[i].name == read.images[i - 1].name)
      repeated.add(fmt::format("'{}' in {} and {}", visible(read.images[i].name), read.images[i - 1].file.string(),
                               read.images[i].file.string()));
  if (repeated.count > 0)
    read.doubts.push_back(fmt::format("{} the name of another one, the first is {}",
                                      repeated.counted("image has", "images have"), repeated.first));
  for (const std::string& name : read.class_names)
    if (!is_utf8(name))
      read.doubts.push_back(
          fmt::format("the class name '{}' is no UTF-8, and so may be what other tools do not recognise; write the "
                      "file of boxes again as UTF-8",
                      visible(name)));
}

}  // namespace

BoxAnnotations read_boxes(const fs::path& file_or_folder, int threads, const std::string& option) {
  std::error_code error;
  if (!fs::exists(file_or_folder, error))
    fail_input("{}: is not there; name a file or a folder of boxes: {} PATH", file_or_folder.string(), option);
  const Request request{threads, option};
  BoxAnnotations read = fs::is_directory(file_or_folder, error) ? read_folder_of_boxes(file_or_folder, request)
                                                                : read_file_of_boxes(file_or_folder, request);
  std::stable_sort(read.images.begin(), read.images.end(),
                   [](const AnnotatedImage& a, const AnnotatedImage& b) { return a.name < b.name; });
  if (!read.has_class_order) std::sort(read.class_names.begin(), read.class_names.end());
  doubt_names(read);
  return read;
}

}  // namespace boxseg
