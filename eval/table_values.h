// The tables of the report, filled with what a run holds.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/pipeline/table_file.h"
#include "eval/metrics_file.h"
#include "eval/run_folder.h"

namespace boxseg {

// One number of a cell, beside the published ones.
struct TableValue {
  std::optional<double> mean, spread;       // mIoU in percent, or seconds; spread: standard deviation over two seeds or more
  std::optional<double> authors, report;    // published
  bool is_time = false;
  std::vector<std::string> keys;
  std::string how;                          // "900 steps, 663 images, seed 0; CRF on"; "" without a value
};

struct FilledCell {
  std::vector<TableValue> values;
  std::string published;  // as the table has it: "authors 61.8 / 67.5, report 60.9 / 64.5"
  std::string reason;     // why there is no value
};

struct FilledTable {
  Table table;
  std::vector<std::vector<FilledCell>> rows;  // [rows][columns]
  int64_t missing = 0;                        // values that the run does not have yet
};

// Missing values stay empty.
FilledTable fill_table(const Table& table, const RunFolder& run);

std::string markdown_of(const FilledTable& table);  // also what a terminal shows
std::string csv_of(const FilledTable& table);       // a line per value
std::string json_of(const FilledTable& table);      // the same, as objects
std::string html_of(const FilledTable& table);      // a section of the report page

}  // namespace boxseg
