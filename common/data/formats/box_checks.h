// What every reader of boxes in plain text asks of a number and of a box.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "common/data/formats/box_annotations.h"

namespace boxseg {

// How often something was seen, and where it was seen first: enough for one sentence about many boxes.
struct Tally {
  int64_t count = 0;
  std::string first;
  void add(const std::string& where) {
    if (count++ == 0) first = where;
  }
  // "3 boxes" or "1 box".
  std::string counted(const std::string& one, const std::string& many) const;
};

// The number that the whole text is: "12", "+0.5", "1e-3". `what` and `where` ("FILE: line 12") go into the message.
// Throws bad_input: no number at all, a decimal comma, NaN, infinity, or more than ten million.
double read_box_number(std::string_view text, std::string_view what, const std::string& where);
bool is_number(std::string_view text);  // whether it begins and ends as a number does; "nan" and "inf" are numbers here

// Throws bad_input for a box whose sides are swapped, or that has no area.
void check_box(const AnnotatedBox& box, const std::string& where);

// True for a box whose four numbers are all from 0 to 1, one of them a fraction: as shares of width and height are.
bool looks_like_shares(const AnnotatedBox& box);

// Checks a box in shares. One that reaches beyond the image by more than 0.001 is added to `outside`. Throws bad_input
// for one that reaches beyond it by more than half the image: its numbers must be something else, such as pixels.
void check_shares(const AnnotatedBox& box, const std::string& where, Tally& outside);
std::string describe_outside(const Tally& outside);  // the sentence for `doubts`

// Keeps the first of boxes of one class with the same numbers; the others are added to `repeats`.
void remove_repeats(AnnotatedImage& image, Tally& repeats);
std::string describe_repeats(const Tally& repeats);

}  // namespace boxseg
