// Draws a sheet of pictures as in figure 2 of the report: per image its boxes, the label maps of a table's columns, and
// the truth.
#pragma once
#include "eval/report/table_values.h"

namespace boxseg {

// Rows are `images` images of the split, evenly spaced from the best to the worst by the first column's labels; columns
// are those of the table's first row (a cell without a value stands for the ground truth). Throws bad_input when the
// images or the label maps are not there.
RgbImage picture_sheet(const Table& table, const RunFolder& run, int64_t images, int64_t side, int threads);

}  // namespace boxseg
