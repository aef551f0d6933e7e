// Writes a TIFF by hand: grey pictures of one value, as many pages as asked for, with an orientation.
#pragma once
#include <string>

#include "tests/io/exif.h"

namespace boxseg::test {

inline std::string tiff_file(size_t height, size_t width, int pages, int orientation = 1, bool is_big_endian = false) {
  const auto number = [&](size_t value, size_t count) {
    const std::string bytes = big_endian(value, count);
    return is_big_endian ? bytes : std::string(bytes.rbegin(), bytes.rend());
  };
  constexpr size_t kShort = 3, kLong = 4, kPixels = 8;
  const auto entry = [&](size_t tag, size_t type, size_t value) {
    const std::string bytes = type == kShort ? number(value, 2) + number(0, 2) : number(value, 4);
    return number(tag, 2) + number(type, 2) + number(1, 4) + bytes;
  };
  const std::string directory = entry(256, kLong, width) + entry(257, kLong, height) + entry(258, kShort, 8) +
                                entry(259, kShort, 1) + entry(262, kShort, 1) + entry(273, kLong, kPixels) +
                                entry(274, kShort, static_cast<size_t>(orientation)) + entry(277, kShort, 1) +
                                entry(278, kLong, height) + entry(279, kLong, height * width);
  std::string bytes = (is_big_endian ? "MM" : "II") + number(42, 2) + number(kPixels + height * width, 4);
  bytes += std::string(height * width, 'c');
  for (int page = 0; page < pages; ++page) {
    bytes += number(directory.size() / 12, 2) + directory;
    bytes += number(page + 1 < pages ? bytes.size() + 4 : 0, 4);
  }
  return bytes;
}

}  // namespace boxseg::test
