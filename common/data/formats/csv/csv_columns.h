// Which column of a table of boxes means what: by the names of the first row, as the usual tools write them, or where
// there are none by the form of the rows.
#pragma once
#include <string>
#include <vector>

#include "common/data/formats/csv/csv_table.h"

namespace boxseg {

struct CsvColumns {
  enum class Form {
    edges,    // four numbers: left, top, right, bottom
    size,     // left, top, width, height
    centre,   // centre x and y, width, height
    corners,  // up to four points x, y, of which two opposite ones suffice (Google's AutoML)
    shape,    // a JSON of VIA (the VGG Image Annotator)
  };
  Form form = Form::edges;
  bool has_header = true;
  bool is_in_shares = false;  // the form of the file says so; otherwise the numbers tell
  // Numbers of columns from 0 on; -1 for none.
  int image = -1, class_name = -1;
  std::vector<int> box;         // as `form` has it; in `corners` eight, in `shape` one
  int width = -1, height = -1;  // of the image, in pixels
  int attributes = -1;          // VIA's region_attributes, in place of class_name
  int confidence = -1, is_group = -1, is_difficult = -1, split = -1;
  size_t count = 0;         // of columns
  std::string description;  // a sentence for people, which says which column is taken for what
};

// Throws bad_input: no names that are known and no known form; several columns of one name. The message says what is
// missing, and shows a header that is known.
CsvColumns find_csv_columns(const CsvTable& table, const std::string& where);

// A name as it is compared: lower case, letters and digits only. "X_Min" and "xmin" are one.
std::string column_key(const std::string& name);

// Returns the place of the key that names the class best, among those of columns or attributes; -1 for none.
int find_class_name(const std::vector<std::string>& keys);

}  // namespace boxseg
