// review.csv: the boxes of a run in the order in which to look at them, as people and the page read it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/review/box_review.h"

namespace boxseg {

// rank,image,box,class,x0,y0,x1,y1,filled,disagreement,sides_touched,oddness,remark: a line each. Corners are edges of
// pixels of the photograph; `box` is the id of its annotation, or its number in the image from 1 on.
std::string review_csv(const Dataset& dataset, const std::vector<ReviewedBox>& boxes);

// What the page shows of a reviewed box.
struct ListedBox {
  int64_t image = 0, box = 0;  // index into Dataset::images, and of its boxes
  std::string words;           // ReviewedBox::words()
  friend bool operator==(const ListedBox&, const ListedBox&) = default;
};
std::vector<ListedBox> listed(const std::vector<ReviewedBox>& boxes);

// Reads such a list. Returns nothing unless it is one of exactly the boxes that review_boxes() looks at in the split,
// each once and in its place. Throws bad_input with `where` for text that is no CSV.
std::optional<std::vector<ListedBox>> read_review_csv(std::string_view text, const std::string& where,
                                                      const Dataset& dataset, const std::string& split);

}  // namespace boxseg
