// Writes a filled table for readers: each cell with the published numbers, the differences, and how ours were made.
#pragma once
#include <optional>
#include <string>

#include "common/io/image.h"
#include "eval/report/table_values.h"

namespace boxseg {

std::string markdown_of(const FilledTable& table);  // also what a terminal shows
std::string csv_of(const FilledTable& table);       // a line per value, or per cell that cannot have one
std::string json_of(const FilledTable& table);      // the same content, as objects
// Both make HTML, as a section of a page and as a file of its own; `picture` is that of a table with pictures.
std::string html_of(const FilledTable& table, const std::optional<RgbImage>& picture = {});
std::string html_page_of(const FilledTable& table, const std::optional<RgbImage>& picture);

}  // namespace boxseg
