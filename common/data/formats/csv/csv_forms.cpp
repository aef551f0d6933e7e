#include "common/data/formats/csv/csv_forms.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/formats/box_checks.h"
#include "common/data/photo_folder.h"

namespace boxseg {
namespace {

using Form = CsvColumns::Form;

// Whether in all rows the fields `numbers` are numbers, or all of them empty, and at least one row has numbers.
bool are_numbers(const CsvTable& table, const std::vector<int>& numbers) {
  bool has_one = false;
  for (const CsvRow& row : table.rows) {
    size_t filled = 0, numeric = 0;
    for (const int place : numbers) {
      const bool is_there = static_cast<size_t>(place) < row.fields.size();
      filled += is_there && !row.fields[static_cast<size_t>(place)].empty();
      numeric += is_there && is_number(row.fields[static_cast<size_t>(place)]);
    }
    // A row with one that is none is a bad box, as long as others tell the form.
    if (filled > 0 && numeric == 0) return false;
    has_one |= numeric == numbers.size();
  }
  return has_one;
}

bool is_image_name(const std::string& name) {
  const std::string suffix = lower_case(fs::path(name).extension().string());
  const auto& known = image_suffixes();
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

bool is_split(const std::string& word) {
  const auto splits = {"TRAIN", "TRAINING", "VALIDATION", "VALIDATE", "TEST", "UNASSIGNED"};
  return std::find(splits.begin(), splits.end(), word) != splits.end();
}

// Google's AutoML: [SET,]PATH,LABEL,X,Y,X,Y,X,Y,X,Y of which some may be empty; shares.
bool find_automl(const CsvTable& table, CsvColumns& columns) {
  const CsvRow& row = table.rows[0];
  const int first = is_split(row.fields[0]) ? 1 : 0;
  if (first == 0 ? row.fields.size() != 10 : row.fields.size() < 9 || row.fields.size() > 11) return false;
  if (first == 0 && !is_image_name(row.fields[0])) return false;
  columns.form = Form::corners;
  columns.is_in_shares = true;
  if (first == 1) columns.split = 0;
  columns.image = first;
  columns.class_name = first + 1;
  for (int i = 0; i < 8; ++i) columns.box.push_back(first + 2 + i);
  columns.count = static_cast<size_t>(first) + 10;
  columns.description = fmt::format(
      "there are no names of columns, and the rows look like those of Google's AutoML, so the columns are taken as "
      "{}the "
      "image, the class, and four points x, y in shares of the image, of which two are enough",
      first == 1 ? "the split, " : "");
  return true;
}

}  // namespace

bool find_csv_form(const CsvTable& table, CsvColumns& columns) {
  columns.has_header = false;
  if (find_automl(table, columns)) return true;
  if (table.rows[0].fields.size() == 6 && are_numbers(table, {1, 2, 3, 4}) && !is_number(table.rows[0].fields[0])) {
    columns.form = Form::edges;
    columns.image = 0;
    columns.box = {1, 2, 3, 4};
    columns.class_name = 5;
    columns.count = 6;
    columns.description =
        "there are no names of columns, and the rows look like those of RetinaNet, so the columns are taken as the "
        "image, the left, top, right and bottom edge of the box, and the class";
    return true;
  }
  if (table.rows[0].fields.size() == 8 && are_numbers(table, {1, 2, 3, 4}) && are_numbers(table, {6, 7}) &&
      is_image_name(table.rows[0].fields[5])) {
    columns.form = Form::size;
    columns.class_name = 0;
    columns.box = {1, 2, 3, 4};
    columns.image = 5;
    columns.width = 6;
    columns.height = 7;
    columns.count = 8;
    columns.description =
        "there are no names of columns, and the rows look like those of makesense.ai, so the columns are taken as the "
        "class, the left and top edge, width and height of the box, the image, its width and its height";
    return true;
  }
  return false;
}

}  // namespace boxseg
