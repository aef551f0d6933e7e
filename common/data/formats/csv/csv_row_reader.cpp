#include "common/data/formats/csv/csv_row_reader.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/csv/via_region.h"
#include "common/data/formats/no_class.h"

namespace boxseg {

using Form = CsvColumns::Form;

CsvRowReader::CsvRowReader(const CsvTable& table, const CsvColumns& columns, const CsvRow& row, const fs::path& file)
    : table_(table),
      columns_(columns),
      row_(row),
      place_(fmt::format("line {}", row.line)),
      where_(fmt::format("{}: {}", file.string(), place_)) {}

const std::string& CsvRowReader::field(int column) const {
  static const std::string nothing;
  return column < 0 || static_cast<size_t>(column) >= row_.fields.size() ? nothing
                                                                         : row_.fields[static_cast<size_t>(column)];
}

std::string CsvRowReader::name_of(int column) const {
  return columns_.has_header ? "'" + visible(table_.rows[0].fields[static_cast<size_t>(column)]) + "'"
                             : fmt::format("field {}", column + 1);
}

void CsvRowReader::check_width() const {
  const size_t count = row_.fields.size();
  const auto behind = row_.fields.begin() + static_cast<int64_t>(std::min(count, columns_.count));
  const bool has_more = std::any_of(behind, row_.fields.end(), [](const auto& more) { return !more.empty(); });
  if (has_more || (count < columns_.count && columns_.form != Form::corners))
    fail_input("{}: has {} fields, expected {}; put a field that holds a separator in double quotes", where_, count,
               columns_.count);
}

std::string CsvRowReader::image_name() const {
  const std::string& name = field(columns_.image);
  if (name.empty())
    fail_input("{}: {} is empty, so the image is not known; write its name, or remove the row", where_,
               name_of(columns_.image));
  return name;
}

std::string CsvRowReader::split() const {
  const std::string split = lower_case(field(columns_.split));
  if (split == "training") return "train";
  if (split == "validation" || split == "validate" || split == "valid") return "val";
  return split == "unassigned" ? "" : split;
}

bool CsvRowReader::has_no_box() const {
  if (columns_.form == Form::shape) return is_empty_via_shape(field(columns_.box[0]));
  return field(columns_.class_name).empty() &&
         std::all_of(columns_.box.begin(), columns_.box.end(), [&](int column) { return field(column).empty(); });
}

bool CsvRowReader::is_unsure() const { return !field(columns_.confidence).empty() && number(columns_.confidence) < 1; }

bool CsvRowReader::is_set(int column) const {
  const std::string value = lower_case(field(column));
  return value == "1" || value == "true";
}

ImageSize CsvRowReader::image_size(Tally& bad) const {
  const std::string &width = field(columns_.width), &height = field(columns_.height);
  if (width.empty() && height.empty()) return {};
  const auto pixels = [](const std::string& text) { return is_number(text) ? std::stod(text) : -1; };
  const double w = pixels(width), h = pixels(height);
  if (w == 0 && h == 0) return {};  // so tools write that they did not know it
  const auto is_size = [](double value) { return value >= 1 && value <= 1e7 && value == std::floor(value); };
  if (is_size(w) && is_size(h)) return {static_cast<int64_t>(h), static_cast<int64_t>(w)};
  bad.add(fmt::format("{}: '{}' x '{}'", where_, visible(width), visible(height)));
  return {};
}

AnnotatedBox CsvRowReader::box(Tally& round) const {
  AnnotatedBox box;
  if (columns_.form == Form::shape)
    read_via_shape(field(columns_.box[0]), where_, box, round);
  else
    box = columns_.form == Form::corners ? box_of_corners() : box_of_four_numbers();
  box.place = place_;
  box.is_crowd = is_set(columns_.is_group);
  box.is_difficult = is_set(columns_.is_difficult);
  return box;
}

AnnotatedBox CsvRowReader::box_of_four_numbers() const {
  const double a = number(columns_.box[0]), b = number(columns_.box[1]);
  const double c = number(columns_.box[2]), d = number(columns_.box[3]);
  AnnotatedBox box;
  box.x0 = a;
  box.y0 = b;
  box.x1 = c;
  box.y1 = d;
  if (columns_.form == Form::edges) return box;
  if (c <= 0 || d <= 0) fail_input("{}: the box is {} wide and {} high; correct it, or remove the row", where_, c, d);
  if (columns_.form == Form::centre) {
    box.x0 -= c / 2;
    box.y0 -= d / 2;
  }
  box.x1 = box.x0 + c;
  box.y1 = box.y0 + d;
  return box;
}

AnnotatedBox CsvRowReader::box_of_corners() const {
  std::vector<double> xs, ys;
  for (size_t i = 0; i < columns_.box.size(); i += 2) {
    if (field(columns_.box[i]).empty() && field(columns_.box[i + 1]).empty()) continue;
    xs.push_back(number(columns_.box[i]));
    ys.push_back(number(columns_.box[i + 1]));
  }
  if (xs.size() < 2)
    fail_input("{}: has {} of the corners of the box, expected two or four; add them, or remove the row", where_,
               xs.size());
  AnnotatedBox box;
  box.x0 = *std::min_element(xs.begin(), xs.end());
  box.y0 = *std::min_element(ys.begin(), ys.end());
  box.x1 = *std::max_element(xs.begin(), xs.end());
  box.y1 = *std::max_element(ys.begin(), ys.end());
  return box;
}

std::string CsvRowReader::class_name(std::set<std::string>& attributes) const {
  std::string name = field(columns_.class_name);
  if (columns_.class_name < 0) {
    ViaClass found = read_via_class(field(columns_.attributes), where_);
    attributes.insert(found.attribute);
    name = std::move(found.name);
  } else if (name.empty()) {
    fail_input("{}: {} is empty, so the box has no class; write it, or remove the row", where_,
               name_of(columns_.class_name));
  }
  if (is_no_class(name))
    fail_input("{}: the class '{}' stands for what is no object; name a class, or remove the row", where_,
               visible(name));
  return name;
}

}  // namespace boxseg
