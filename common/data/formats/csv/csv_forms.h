// Tables of boxes without names of columns, told by the form of their rows.
#pragma once
#include "common/data/formats/csv/csv_columns.h"

namespace boxseg {

// Fills in the columns for a table (of one row or more) that has one of these forms; false for any other:
//   SET,PATH,LABEL,X,Y,X,Y,X,Y,X,Y  Google's AutoML, in shares: two opposite corners or all four; SET may be absent
//   PATH,X1,Y1,X2,Y2,CLASS          RetinaNet; all fields but the first are empty for an image without boxes
//   LABEL,X,Y,W,H,IMAGE,WIDTH,HEIGHT  makesense.ai
bool find_csv_form(const CsvTable& table, CsvColumns& columns);

}  // namespace boxseg
