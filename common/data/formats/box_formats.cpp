#include "common/data/formats/box_formats.h"

#include <simdjson.h>

#include <algorithm>
#include <fstream>
#include <pugixml.hpp>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/coco/coco_boxes.h"
#include "common/data/formats/csv/csv_boxes.h"
#include "common/data/formats/labelme/labelme_boxes.h"
#include "common/data/formats/xml_file.h"
#include "common/data/formats/yolo/yolo_boxes.h"
#include "common/data/formats/yolo/yolo_config.h"
#include "common/data/photo_folder.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

constexpr size_t kBeginning = 4096;

struct Traits {
  BoxFormat format;
  const char *name, *files;  // the latter for people: how the format comes
  bool has_file_per_image = false;
};
constexpr Traits kTraits[] = {{BoxFormat::coco, "COCO JSON", ".json"},
                              {BoxFormat::cvat, "CVAT XML", ".xml of CVAT for images 1.1"},
                              {BoxFormat::csv, "CSV", ".csv"},
                              {BoxFormat::yolo, "YOLO", "a folder of .txt with data.yaml or classes.txt"},
                              {BoxFormat::labelme, "LabelMe", ".json of each image", true},
                              {BoxFormat::voc, "VOC XML", ".xml of each image", true},
                              {BoxFormat::unknown, "unknown", ""}};

const Traits& traits_of(BoxFormat format) {
  const auto* found =
      std::find_if(std::begin(kTraits), std::end(kTraits), [&](const Traits& t) { return t.format == format; });
  ensure(found != std::end(kTraits), "box format {} has no traits", static_cast<int>(format));
  return *found;
}

std::string beginning_of(const fs::path& file) {
  if (!special_kind(file).empty()) return "";
  std::string text(kBeginning, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  return text;
}

// Five numbers or more, as YOLO's labels have in a line. A list of images by number ("000012", "000012 -1") has fewer.
bool begins_with_labels(std::string_view text) {
  const std::vector<std::string> lines = read_lines(text);
  if (lines.empty()) return false;
  std::string line = lines[0];
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\t' || c == ','; }, ' ');
  int numbers = 0;
  for (const std::string& word : split(line, ' ')) {
    if (word.empty()) continue;
    if (!is_number(word)) return false;
    if (++numbers == 5) return true;
  }
  return false;
}

BoxFormat format_of_xml(const fs::path& file) {
  const std::string root = name_of_root(file);
  return root == "annotations" ? BoxFormat::cvat : root == "annotation" ? BoxFormat::voc : BoxFormat::unknown;
}

BoxFormat format_of_json(const fs::path& file) {
  return is_labelme(file) ? BoxFormat::labelme : is_coco(file) ? BoxFormat::coco : BoxFormat::unknown;
}

// What a file in a folder is, of which its suffix tells how to look at it.
struct Look {
  fs::path file;
  std::string suffix;
  BoxFormat format = BoxFormat::unknown;
  bool is_labels = false, is_empty = false;
};

void look_at(Look& look) {
  const std::string& suffix = look.suffix;
  if (suffix == ".xml") {
    look.format = format_of_xml(look.file);
  } else if (suffix == ".json") {
    look.format = format_of_json(look.file);
  } else if (suffix == ".csv" || suffix == ".tsv") {
    if (is_csv(look.file)) look.format = BoxFormat::csv;
  } else if (suffix == ".yaml" || suffix == ".yml") {
    if (is_data_yaml(look.file)) look.format = BoxFormat::yolo;
  } else if (suffix == ".txt" && !is_names_file(look.file)) {
    const std::string text = beginning_of(look.file);
    look.is_labels = begins_with_labels(text);
    look.is_empty = trim(text).empty();
  }
}

// All files of a folder and of those in it.
void collect(const fs::path& folder, bool is_top, std::vector<Look>& looks, BoxFiles& found) {
  throw_if_interrupted();
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    if (path.filename().string().starts_with(".")) continue;
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) {
      looks.push_back({.file = path, .suffix = lower_case(path.extension().string())});
      ++found.seen[looks.back().suffix];
    } else if (!fs::is_directory(path, ignored)) {
      continue;  // a pipe, or a link to nothing
    } else if (fs::is_symlink(path, ignored)) {
      found.folders_left_out.push_back(path.string() + " is a link to a folder and not looked into; name the folder");
    } else if (holds_results(path)) {
      found.folders_left_out.push_back(path.string() + " holds results of a stage and is not looked into");
    } else {
      collect(path, false, looks, found);
    }
  }
  if (error && is_top) fail_input("{}: cannot be read: {}", folder.string(), error.message());
  if (error) found.folders_left_out.push_back(folder.string() + " cannot be read: " + error.message());
}

}  // namespace

std::string name_of(BoxFormat format) { return traits_of(format).name; }

bool has_file_per_image(BoxFormat format) { return traits_of(format).has_file_per_image; }

std::string known_formats() {
  std::vector<std::string> known;
  for (const Traits& traits : kTraits)
    if (traits.format != BoxFormat::unknown) known.push_back(fmt::format("{} ({})", traits.name, traits.files));
  return join(known, ", ");
}

BoxFormat format_of_file(const fs::path& file) {
  if (const BoxFormat xml = format_of_xml(file); xml != BoxFormat::unknown) return xml;
  if (const BoxFormat json = format_of_json(file); json != BoxFormat::unknown) return json;
  if (begins_with_labels(beginning_of(file)) && lower_case(file.extension().string()) == ".txt")
    return BoxFormat::unknown;
  if (is_data_yaml(file)) return BoxFormat::yolo;
  return is_csv(file) ? BoxFormat::csv : BoxFormat::unknown;
}

std::string fault_of_text(const fs::path& file) {
  const std::string beginning(trim(beginning_of(file)));
  if (beginning.starts_with("{") || beginning.starts_with("[")) {
    simdjson::dom::parser parser;
    if (const auto error = parser.load(file.string()).error())
      return fmt::format("is no JSON: {}; is the file whole?", simdjson::error_message(error));
  }
  if (beginning.starts_with("<")) {
    pugi::xml_document document;
    return fault_of_xml(read_file(file), document);
  }
  return "";
}

std::string hint_on_unknown(const fs::path& file) {
  if (const std::string kind = special_kind(file); !kind.empty()) return "is " + kind + ", expected a file";
  const std::string text = beginning_of(file);
  if (trim(text).empty()) return "is empty";
  if (text.starts_with("PK\x03\x04"))
    return "is a zip archive; unpack it, and name the folder or the file of boxes in it";
  if (text.starts_with("\x1F\x8B")) return "is packed with gzip; unpack it";
  if (begins_with_labels(text))
    return "looks like the labels of one image in YOLO's format; name their folder, or data.yaml";
  if (const std::string root = name_of_root(file); !root.empty()) return "is XML of another kind, <" + root + ">";
  if (const std::string foreign = foreign_encoding(text); foreign.starts_with("UTF"))
    return "is " + foreign + "; save it as UTF-8";
  return fault_of_text(file);
}

std::string BoxFiles::describe_seen() const {
  std::vector<std::string> parts;
  for (const auto& [suffix, count] : seen)
    parts.push_back(fmt::format("{} {}", count, suffix.empty() ? "without a suffix" : suffix));
  return join(parts, ", ");
}

BoxFiles find_box_files(const fs::path& folder, int threads) {
  BoxFiles found;
  std::vector<Look> looks;
  collect(folder, true, looks, found);
  std::sort(found.folders_left_out.begin(), found.folders_left_out.end());
  std::sort(looks.begin(), looks.end(), [](const Look& a, const Look& b) { return a.file < b.file; });
  parallel_for(static_cast<int64_t>(looks.size()), 16, threads, [&](int64_t begin, int64_t end) {
    throw_if_interrupted();
    for (int64_t i = begin; i < end; ++i) look_at(looks[static_cast<size_t>(i)]);
  });
  for (Look& look : looks) {
    if (look.format != BoxFormat::unknown)
      found.files[look.format].push_back(look.file);
    else if (look.is_labels)
      found.labels.push_back(look.file);
    else if (look.is_empty)
      found.empty_texts.push_back(look.file);
    else if (look.suffix == ".xml" || look.suffix == ".json")
      found.unknown.push_back(look.file);
  }
  return found;
}

}  // namespace boxseg
