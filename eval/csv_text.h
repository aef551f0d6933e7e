// Writes fields of CSV files.
#pragma once
#include <string>

#include "common/base/replaced.h"

namespace boxseg {

// Returns the text in double quotes, of which those within stand twice.
inline std::string csv_quoted(const std::string& text) { return '"' + replaced(text, '"', "\"\"") + '"'; }

// Returns the text as it is where no reader can take it apart, else in quotes.
inline std::string csv_field(const std::string& text) {
  return text.find_first_of(",\"\n\r") == std::string::npos ? text : csv_quoted(text);
}

}  // namespace boxseg
