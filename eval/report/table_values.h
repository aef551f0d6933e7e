// The tables of the report, filled with what a run holds. Forms for readers: table_forms.h.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/pipeline/plan/table_file.h"
#include "eval/report/run_folder.h"

namespace boxseg {

// One number of a cell, beside the published ones.
struct TableValue {
  std::optional<double> mean, spread;  // mIoU in percent, or seconds; spread: standard deviation over two seeds or more
  std::optional<double> authors, report;  // published, in the same unit
  bool is_time = false;
  std::vector<std::string> keys;
  size_t found = 0;      // keys that have a number: the mean is over these
  std::string training;  // "900 steps, 663 images, seeds 0, 1"; "" without a value
  std::string tta, crf;  // of predictions, "on" or "off"; else ""

  bool is_complete() const { return found == keys.size(); }
  std::string how() const;  // "900 steps, 663 images, seed 0; TTA off, CRF on"
};

struct FilledCell {
  std::vector<TableValue> values;
  std::string authors, report;  // published, as the table has them: "61.8 / 67.5"
  std::string reason;           // why there is no value

  std::string how() const;  // of all its values: "900 steps, 663 images, seed 0; TTA off / off, CRF off / on"
};

struct FilledTable {
  Table table;
  std::vector<std::vector<FilledCell>> rows;  // [rows][columns]
  size_t values = 0, missing = 0;             // missing: those without a number for every key
};

// Values without a number stay empty, and so do those of `pending`: keys whose numbers are those of other options.
FilledTable fill_table(const Table& table, const RunFolder& run, const std::set<std::string>& pending = {});

}  // namespace boxseg
