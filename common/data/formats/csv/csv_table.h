// A table of text as RFC 4180 and spreadsheets write it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/files.h"

namespace boxseg {

struct CsvRow {
  int64_t line = 0;  // 1-based, where it begins: a field in quotes may go over several lines
  std::vector<std::string> fields;
};

struct CsvTable {
  char separator = ',';  // or ';' or a tab: whichever separates most fields of the first row
  std::vector<CsvRow> rows;
};

// Fields in double quotes keep their blanks, separators and line ends, and "" is a quote within; others are trimmed.
// Lines end by LF, CR LF or CR. Rows without any text are left out. "sep=;" in the first line, which Excel reads, is
// obeyed. Throws bad_input with `where` and the line: a quote that is not closed, text behind one that is, no UTF-8.
CsvTable parse_csv(std::string_view text, const std::string& where);

}  // namespace boxseg
