// What one row of a table of boxes says, by the meaning of the columns.
#pragma once
#include <set>
#include <string>

#include "common/data/formats/box_annotations.h"
#include "common/data/formats/box_checks.h"
#include "common/data/formats/csv/csv_columns.h"

namespace boxseg {

// The arguments have to outlive it. Whatever throws throws bad_input with the file, the line and the column's name.
class CsvRowReader {
 public:
  CsvRowReader(const CsvTable& table, const CsvColumns& columns, const CsvRow& row, const fs::path& file);

  const std::string& where() const { return where_; }  // "FILE: line 3"

  void check_width() const;        // throws for more or fewer fields than columns: a separator may be in a field
  std::string image_name() const;  // throws where it is empty
  std::string split() const;       // "train", "val", "test", ...; "" where the row tells none
  bool has_no_box() const;         // the fields of box and class are empty: the row is for its image alone
  bool is_unsure() const;          // the confidence is below 1; throws where it is no number
  ImageSize image_size(Tally& bad) const;  // 0 x 0 where the row does not tell it; a size that is none goes to `bad`

  // All but the class. Throws for numbers that are none. VIA's circles go to `round`.
  AnnotatedBox box(Tally& round) const;
  // Throws where there is none, and for "background" and the like (no_class.h). The attribute that tells it, in VIA's
  // tables, is added to `attributes`.
  std::string class_name(std::set<std::string>& attributes) const;

 private:
  const std::string& field(int column) const;  // "" where there is none
  std::string name_of(int column) const;
  double number(int column) const { return read_box_number(field(column), name_of(column), where_); }
  bool is_set(int column) const;
  AnnotatedBox box_of_four_numbers() const;
  AnnotatedBox box_of_corners() const;

  const CsvTable& table_;
  const CsvColumns& columns_;
  const CsvRow& row_;
  std::string place_, where_;
};

}  // namespace boxseg
