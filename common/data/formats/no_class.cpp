#include "common/data/formats/no_class.h"

#include "common/base/text.h"

namespace boxseg {

bool is_no_class(std::string_view label) {
  if (label == "__ignore__" || label == "_ignore_") return true;
  std::string letters = lower_case(label);
  std::erase_if(letters, [](char c) { return std::string_view("_- <>").find(c) != std::string_view::npos; });
  return letters == "background";
}

}  // namespace boxseg
