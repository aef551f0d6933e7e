#include "common/base/markdown.h"

#include <algorithm>

#include "common/base/replaced.h"

namespace boxseg {
namespace {

std::string line_of(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (std::string cell : cells) {
    std::replace(cell.begin(), cell.end(), '\n', ' ');
    line += " " + replaced(cell, '|', "\\|") + " |";
  }
  return line + "\n";
}

}  // namespace

std::string markdown_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::string text = line_of(header) + "|";
  for (size_t i = 0; i < header.size(); ++i) text += "---|";
  text += "\n";
  for (const auto& row : rows) text += line_of(row);
  return text;
}

}  // namespace boxseg
