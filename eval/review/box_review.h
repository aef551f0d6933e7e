// Which masks of boxes to look at first, told without true masks.
#pragma once
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/data/dataset.h"
#include "common/labels/box_masks.h"

namespace boxseg {

// Why a mask deserves a look. Of 572 boxes of VOC 2012's val, labelled by a light frozen backbone, all 39 empty masks
// and 19 of 23 sparse ones had an intersection over union with the truth below a half. Overfull masks were right as
// often as others, but they are also what a box of half an object leaves; they do not come earlier for it.
enum class Remark { none, overfull, sparse, empty };  // over 95 % of the box, under 20 %, under 5 %
const char* name_of(Remark remark);
std::string review_words(Remark remark, bool is_odd);  // "empty, odd box"; "" where nothing is to be said

struct ReviewedBox {
  int64_t image = 0, box = 0;  // index into Dataset::images, and of its boxes
  BoxMask mask;
  double oddness = 0;  // of the box among all that are reviewed (box_signs.h)
  Remark remark() const;
  bool is_odd() const;  // whether it may be misplaced, or be a box of half an object
  std::string words() const { return review_words(remark(), is_odd()); }
  // The larger, the sooner to be looked at: how odd the box is, and 2 more where its mask is sparse, 3 where it is
  // empty; of equal ones, the mask that fills less of its box.
  double urgency() const;
};

// The boxes of a split's images but crowds, most urgent first; equal ones in the order of the dataset. `labels` holds
// Y_crf and, where they were made, Y_ret and attention shards; what is not there, the photographs included, makes no
// box odd. Throws bad_input for label maps that are absent or of another size.
std::vector<ReviewedBox> review_boxes(const Dataset& dataset, const std::string& split, const fs::path& labels,
                                      int threads);

// "2 of 47 boxes have an empty mask: a.jpg (cat), b.jpg (dog); look at these first". "" where there is nothing to say.
std::string describe_review(const Dataset& dataset, const std::vector<ReviewedBox>& boxes);

}  // namespace boxseg
