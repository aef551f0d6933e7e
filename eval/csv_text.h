// Writes fields of CSV files.
#pragma once
#include <string>

namespace boxseg {

// Returns the text in double quotes, of which those within stand twice.
inline std::string csv_quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// Returns the text as it is where no reader can take it apart, else in quotes.
inline std::string csv_field(const std::string& text) {
  return text.find_first_of(",\"\n\r") == std::string::npos ? text : csv_quoted(text);
}

}  // namespace boxseg
