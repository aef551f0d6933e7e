// Calls the program `report`, and counts in the pages that it makes.
#pragma once
#include <string>

#include "common/base/error.h"
#include "tests/support/support.h"

namespace boxseg::test {

inline CommandResult report(const std::string& arguments) {
  return run_command(fmt::format("'{}/report' {}", BOXSEG_BIN_DIR, arguments));
}

inline size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace boxseg::test
