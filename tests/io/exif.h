// Makes EXIF that says how a photograph has to be turned, and JPEGs with it.
#pragma once
#include <cstddef>
#include <string>

namespace boxseg::test {

inline std::string big_endian(size_t value, size_t count) {
  std::string bytes;
  for (size_t i = count; i > 0; --i) bytes.push_back(static_cast<char>(value >> 8 * (i - 1)));
  return bytes;
}

// Makes a directory of two entries, of which the second is the orientation, in either byte order.
inline std::string exif_of(int orientation, bool is_big_endian = false) {
  const char value = static_cast<char>(orientation);
  if (is_big_endian)
    return std::string("MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\1A\0\0\0\x01\x12\0\3\0\0\0\1\0", 31) + value +
           std::string(6, '\0');
  return std::string("II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\1\0\0\0A\0\0\0\x12\x01\3\0\1\0\0\0", 30) + value +
         std::string(7, '\0');
}

// Puts the EXIF in an APP1 segment behind the start marker.
inline std::string jpeg_with_exif(const std::string& jpeg, const std::string& exif) {
  const std::string body = std::string("Exif\0\0", 6) + exif;
  return jpeg.substr(0, 2) + "\xff\xe1" + big_endian(body.size() + 2, 2) + body + jpeg.substr(2);
}

}  // namespace boxseg::test
