// Markdown tables.
#pragma once
#include <string>
#include <vector>

namespace boxseg {

// Rows as long as the header; bars within cells are escaped, line ends become blanks.
std::string markdown_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace boxseg
