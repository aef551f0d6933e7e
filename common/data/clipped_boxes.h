// Boxes that reach over the border of their image.
#pragma once
#include <cstdint>
#include <string>

namespace boxseg {

struct ClippedBoxes {
  int64_t count = 0;
  double largest_loss = 0;  // share of its area that the most clipped box lost
  std::string most;         // a sentence on that box; of equal ones the first

  void add(double loss, const std::string& sentence) { add({1, loss, sentence}); }
  void add(const ClippedBoxes& more) {
    count += more.count;
    if (more.largest_loss > largest_loss) largest_loss = more.largest_loss, most = more.most;
  }
};

}  // namespace boxseg
