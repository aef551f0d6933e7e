// Writes the difference of two runs for readers: Markdown for a terminal, and a section of the report page.
#pragma once
#include <string>

#include "eval/report/run_difference.h"

namespace boxseg {

std::string markdown_of(const RunDifference& difference);
std::string html_of(const RunDifference& difference);

}  // namespace boxseg
