// Fills the tables of the report with what a run holds. table_forms.h has the forms for readers.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/pipeline/plan/table_file.h"
#include "eval/report/run_folder.h"

namespace boxseg {

// Holds one number of a cell, beside the published ones.
struct TableValue {
  // mIoU in percent, or seconds; `spread` is the standard deviation over two seeds or more.
  std::optional<double> mean, spread;
  std::optional<double> authors, report;  // published, in the same unit
  bool is_time = false;
  // Whether it is of as many images as the published ones: of other data a difference means nothing.
  bool is_of_published_data = false;
  std::vector<std::string> keys;
  size_t found = 0;      // of the keys those that were measured; the mean is over their numbers, if they have one
  std::string training;  // "900 steps, 663 images, seeds 0, 1"; "" without a value
  std::string tta, crf;  // "on" or "off" for predictions; else ""

  bool is_complete() const { return found == keys.size(); }
  // Points above a published number, or seconds; none where the two cannot be compared.
  std::optional<double> above(const std::optional<double>& published) const;
  std::string how() const;  // "900 steps, 663 images, seed 0; TTA off, CRF on"
};

struct FilledCell {
  std::vector<TableValue> values;
  std::string authors, report;  // what is published, as the table has it: "61.8 / 67.5"
  std::string reason;           // why there is no value

  std::string how() const;  // of all its values together: "900 steps, 663 images, seed 0; TTA off / off, CRF off / on"
};

struct FilledTable {
  Table table;
  std::vector<std::vector<FilledCell>> rows;  // [rows][columns]
  // Values without a number for every key are missing.
  size_t values = 0, missing = 0;
};

// Values without a number stay empty, and so do those of `pending`: keys whose numbers are those of other options.
FilledTable fill_table(const Table& table, const RunFolder& run, const std::set<std::string>& pending = {});

}  // namespace boxseg
