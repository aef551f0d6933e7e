// What becomes of images that fail a check.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace boxseg {

// Returns what is wrong with the image that `act` looks at: the message of its bad_input, "" where it throws none.
// Other errors pass.
template <class Act>
std::string fault_of(const Act& act) {
  try {
    act();
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::bad_input) throw;
    return e.what();
  }
  return "";
}

// Warns of the first messages, of which there is one for each bad image among `images`, and of how many there are more.
// Throws bad_input with the first one unless they are to be skipped and some image is left.
void refuse_or_skip(const std::vector<std::string>& messages, size_t images, bool skips_bad_images);

}  // namespace boxseg
