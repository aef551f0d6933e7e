// Which format of boxes a file has, told by its content, and which files of boxes a folder holds.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

enum class BoxFormat { unknown, coco, labelme, cvat, voc, csv, yolo };

std::string name_of(BoxFormat format);      // for people: "COCO JSON", as BoxAnnotations::format
bool has_file_per_image(BoxFormat format);  // LabelMe and VOC XML, of which a reader takes many files
std::string known_formats();                // for messages: "COCO JSON (.json), ..."

// Looks at the beginning of a file, whatever its name is. `yolo` is a data.yaml, and not a file of labels, whose
// classes and image it does not tell. `unknown` also for what cannot be read.
BoxFormat format_of_file(const fs::path& file);

// Why a file of unknown format may be so, with a way out, to follow its name: "is a zip archive; unpack it, ..."; or
// "".
std::string hint_on_unknown(const fs::path& file);

// Why a file that begins as JSON or XML cannot be read as such: "is no JSON: ...". "" for whole ones, and for others.
std::string fault_of_text(const fs::path& file);

struct BoxFiles {
  std::map<BoxFormat, std::vector<fs::path>> files;  // sorted; without `unknown`; of YOLO each data.yaml
  std::vector<fs::path> labels;                      // of YOLO: texts whose first line is one of labels; sorted
  std::vector<fs::path> empty_texts;                 // .txt: of images without boxes, where the others are labels
  std::vector<fs::path> unknown;                     // .xml and .json of no known format; sorted
  std::map<std::string, int64_t> seen;               // suffix in lower case -> number of all files
  std::vector<std::string> folders_left_out;         // a sentence each: links, results of a stage, unreadable ones
  std::string describe_seen() const;                 // "3 .jpg, 1 .txt"; "" for none
};

// Looks at the .xml, .json, .csv, .tsv, .yaml, .yml and .txt of a folder and of those in it. Hidden files and folders
// are passed over. Throws bad_input where the folder cannot be read.
BoxFiles find_box_files(const fs::path& folder, int threads);

}  // namespace boxseg
