// Writes Markdown tables.
#pragma once
#include <string>
#include <vector>

namespace boxseg {

// Each row is as long as the header. Bars within cells are escaped, and line ends become blanks.
std::string markdown_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace boxseg
