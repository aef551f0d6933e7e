#include "common/data/formats/csv/csv_boxes.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/csv/csv_columns.h"
#include "common/data/formats/csv/csv_row_reader.h"
#include "common/data/formats/csv/csv_table.h"

namespace boxseg {
namespace {

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

class Reader {
 public:
  Reader(const fs::path& file, const CsvTable& table)
      : file_(file), columns_(find_csv_columns(table, file.string())), table_(table) {}

  BoxAnnotations read() {
    for (size_t i = columns_.has_header ? 1 : 0; i < table_.rows.size(); ++i) {
      try {
        read_row(table_.rows[i]);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::bad_input) throw;
        read_.bad_boxes.emplace_back(e.what());
      }
    }
    if (images_.empty() && read_.bad_boxes.empty())
      fail_input("{}: has names of columns and no row below them; write a row for each box", file_.string());
    read_.format = "CSV";
    decide_shares();
    finish();
    return std::move(read_);
  }

 private:
  void read_row(const CsvRow& csv_row) {
    const CsvRowReader row(table_, columns_, csv_row, file_);
    row.check_width();
    const std::string name = row.image_name();
    AnnotatedImage& image = images_[name];
    image.name = name;
    image.file = file_;
    if (const std::string split = row.split(); !split.empty()) names_of_split_[split].insert(name);
    note_size(row, image);
    if (row.has_no_box()) return;
    AnnotatedBox box = row.box(round_);
    check_box(box, row.where());
    box.class_name = row.class_name(attributes_);
    if (row.is_unsure()) unsure_.add(row.where());
    image.boxes.push_back(std::move(box));
  }
  void note_size(const CsvRowReader& row, AnnotatedImage& image) {
    const ImageSize size = row.image_size(bad_sizes_);
    if (size.height == 0) return;
    if (image.size.height == 0)
      image.size = size;
    else if (image.size.height != size.height || image.size.width != size.width)
      other_sizes_.add(fmt::format("{}: {} x {} after {} x {}", row.where(), size.width, size.height, image.size.width,
                                   image.size.height));
  }

  // Most boxes tell, so that a single odd one does not turn the meaning of all others. A box such as (0, 0, 1, 1), or
  // one that reaches a little beyond 1, may be either.
  void decide_shares() {
    int64_t boxes = 0, shares = 0, pixels = 0;
    for (const auto& [name, image] : images_)
      for (const AnnotatedBox& box : image.boxes) {
        ++boxes;
        shares += looks_like_shares(box);
        pixels += std::max(box.x1, box.y1) > 1.5;
      }
    read_.is_in_shares = columns_.is_in_shares || shares > pixels;
    if (!columns_.is_in_shares && read_.is_in_shares)
      read_.doubts.push_back(
          fmt::format("{}: {} of {} boxes have numbers from 0 to 1 with fractions, so all are taken as shares of the "
                      "image's width and height, not as pixels",
                      file_.string(), shares, boxes));
    else if (!read_.is_in_shares && boxes > 0 && pixels == 0)
      read_.doubts.push_back(fmt::format(
          "{}: no box reaches beyond 1.5, and the numbers have no fractions, so all are taken as pixels; if "
          "they are shares of the image's width and height, multiply by these",
          file_.string()));
    for (auto& [name, image] : images_)
      std::erase_if(image.boxes, [&](const AnnotatedBox& box) { return !is_of_same_unit(box); });
  }
  bool is_of_same_unit(const AnnotatedBox& box) {
    const std::string where = fmt::format("{}: {}", file_.string(), box.place);
    try {
      if (read_.is_in_shares)
        check_shares(box, where, outside_);
      else if (looks_like_shares(box))
        fail_input(
            "{}: the box ({}, {}, {}, {}) is in shares of the image, other rows are in pixels; multiply it by "
            "width and height, or remove the row",
            where, box.x0, box.y0, box.x1, box.y1);
      return true;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      read_.bad_boxes.emplace_back(e.what());
      return false;
    }
  }

  void finish() {
    std::set<std::string> classes;
    for (auto& [name, image] : images_) {
      remove_repeats(image, repeats_);
      for (const AnnotatedBox& box : image.boxes) classes.insert(box.class_name);
      read_.images.push_back(std::move(image));
    }
    read_.class_names.assign(classes.begin(), classes.end());
    for (const auto& [split, names] : names_of_split_) read_.splits[split].assign(names.begin(), names.end());
    describe();
  }
  void describe() {
    const auto doubt = [&](const std::string& sentence) { read_.doubts.push_back(file_.string() + ": " + sentence); };
    doubt(columns_.description);
    if (!attributes_.empty())
      doubt(fmt::format("the class is the attribute '{}'",
                        join(std::vector<std::string>(attributes_.begin(), attributes_.end()), "' or '")));
    const auto& classes = read_.class_names;
    if (!classes.empty() && std::all_of(classes.begin(), classes.end(), is_whole_number))
      doubt(fmt::format("the classes are numbers ({}, ...), which are taken as their names", classes[0]));
    if (!classes.empty() && classes[0].starts_with("/m/"))
      doubt(fmt::format("the classes are codes of Open Images ({}, ...), which are taken as their names", classes[0]));
    const auto doubt_of = [&](const Tally& tally, const char* one, const char* several, const char* what) {
      if (tally.count > 0) doubt(fmt::format("{} {} {}", tally.counted(one, several), what, tally.first));
    };
    doubt_of(unsure_, "box has", "boxes have", "a confidence below 1 and taken, however low it is, the first is");
    doubt_of(bad_sizes_, "row has", "rows have", "a size of the image that is none and not taken, the first is");
    doubt_of(other_sizes_, "row has", "rows have", "another size of the same image than the first, which counts:");
    doubt_of(round_, "circle or ellipse gives", "circles and ellipses give", "only the box around, the first is");
    if (outside_.count > 0) read_.doubts.push_back(describe_outside(outside_));
    if (repeats_.count > 0) read_.doubts.push_back(describe_repeats(repeats_));
  }

  fs::path file_;
  CsvColumns columns_;
  const CsvTable& table_;
  std::map<std::string, AnnotatedImage> images_;
  std::map<std::string, std::set<std::string>> names_of_split_;
  std::set<std::string> attributes_;  // of VIA, that were taken as the class
  Tally unsure_, bad_sizes_, other_sizes_, round_, outside_, repeats_;
  BoxAnnotations read_;
};

std::string first_bytes(const fs::path& file, size_t count) {
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(count, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  return bytes;
}

}  // namespace

BoxAnnotations read_csv_boxes(const fs::path& file) {
  const std::string text = read_text_file(file);
  if (text.starts_with("# Exported using VGG Image Annotator"))
    fail_input("{}: is of VIA 3, whose table is not read; export it as COCO JSON, or annotate with VIA 2",
               file.string());
  const CsvTable table = parse_csv(text, file.string());
  return Reader(file, table).read();
}

bool is_csv(const fs::path& file) {
  constexpr size_t kRead = 1 << 16;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return false;
  std::string text = first_bytes(file, kRead);
  const std::string suffix = lower_case(file.extension().string());
  const bool is_called_so = suffix == ".csv" || suffix == ".tsv";
  if (const std::string foreign = foreign_encoding(text); !foreign.empty()) return is_called_so && foreign != "no text";
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const std::string_view content = trim(text);
  if (content.empty() || std::string_view("{[<").find(content[0]) != std::string_view::npos) return false;
  if (is_called_so) return true;
  if (text.size() == kRead) text.erase(std::min(text.rfind('\n'), text.size()));  // the last row may not be whole
  try {
    find_csv_columns(parse_csv(text, file.string()), file.string());
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace boxseg
