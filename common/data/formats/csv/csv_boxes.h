// Boxes in tables of text, CSV, as many tools write them.
#pragma once
#include "common/base/files.h"
#include "common/data/formats/box_annotations.h"

namespace boxseg {

// Reads a table with a row for each box: with names of columns in the first row, in any order (csv_columns.h has the
// known ones), or in one of three forms without: Google's AutoML, RetinaNet's and makesense.ai's. Commas, semicolons or
// tabs separate. A row whose box is empty, and its class too, stands for an image without boxes.
//
// Numbers are edges of pixels. Where most boxes have numbers from 0 to 1 with fractions, or the form says so (Open
// Images, AutoML), all are shares of the image (is_in_shares). Classes are sorted by name. Names of images stay as they
// are written. `splits` is filled where the table has a column of them.
//
// Throws bad_input: no table, no known columns, not one row below the names. A row that is no box goes to `bad_boxes`.
// `doubts` always tells which columns were taken for what, and what else was guessed: shares, and classes that are
// numbers; and what is read although it looks odd: confidences below 1, boxes beyond the image, images of several
// sizes.
BoxAnnotations read_csv_boxes(const fs::path& file);

// Whether a file is a table with known columns, or one that is called .csv or .tsv and is neither JSON nor XML. Reads
// the first 64 KiB.
bool is_csv(const fs::path& file);

}  // namespace boxseg
