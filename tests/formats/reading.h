// What the tests of readers of boxes in text share: a folder to fill, and short words for what was read.
#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/formats/box_annotations.h"
#include "tests/support/support.h"

namespace boxseg::test {

struct Files {
  TemporaryDirectory directory;
  fs::path write(const std::string& name, const std::string& text) const {
    write_file(directory / name, text);
    return directory / name;
  }
  fs::path operator/(const std::string& name) const { return directory / name; }
};

// "cat 1 2 30 40", with at most six digits each.
inline std::string words_of(const AnnotatedBox& box) {
  return fmt::format("{} {:.6g} {:.6g} {:.6g} {:.6g}", box.class_name, box.x0, box.y0, box.x1, box.y1);
}

// "a.jpg: cat 1 2 30 40, dog 1 2 3 4" a line, for each image.
inline std::string words_of(const BoxAnnotations& read) {
  std::vector<std::string> lines;
  for (const AnnotatedImage& image : read.images) {
    std::vector<std::string> boxes;
    for (const AnnotatedBox& box : image.boxes) boxes.push_back(words_of(box));
    lines.push_back(image.name + ": " + join(boxes, ", "));
  }
  return join(lines, "\n");
}

inline std::string doubts_of(const BoxAnnotations& read) { return join(read.doubts, "\n"); }

// The message of the Error that `call` throws, which has to be of a bad input; "" where it throws none.
template <class Call>
std::string refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.kind() == ErrorKind::bad_input ? e.what() : std::string("not of a bad input: ") + e.what();
  }
  return "";
}

}  // namespace boxseg::test
