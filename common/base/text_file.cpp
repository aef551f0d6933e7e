#include "common/base/text_file.h"

#include <algorithm>

#include "common/base/error.h"

namespace boxseg {

size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF5 ? 0 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const unsigned second = byte(1);  // longer forms than needed, surrogates and numbers beyond Unicode are refused
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
      (first == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string foreign_encoding(std::string_view bytes) {
  if (bytes.starts_with(std::string_view("\xFF\xFE\0\0", 4)) || bytes.starts_with(std::string_view("\0\0\xFE\xFF", 4)))
    return "UTF-32";
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return "UTF-16";
  const auto zeros = std::count(bytes.begin(), bytes.end(), '\0');
  if (zeros == 0) return "";
  // Without a mark, plain letters of UTF-16 have a zero in every second byte.
  return bytes.size() % 2 == 0 && 4 * static_cast<size_t>(zeros) >= bytes.size() ? "UTF-16" : "no text";
}

std::string read_text_file(const fs::path& path) {
  std::string text = read_file(path);
  if (const std::string encoding = foreign_encoding(text); encoding == "no text") {
    const size_t zero = text.find('\0');
    fail_input("{}: is no text file: byte {}, in line {}, is zero; write it again as UTF-8 text", path.string(), zero,
               1 + std::count(text.begin(), text.begin() + static_cast<int64_t>(zero), '\n'));
  } else if (!encoding.empty()) {
    fail_input("{}: is {}, expected UTF-8; save it as UTF-8 (iconv -f {} -t UTF-8 FILE)", path.string(), encoding,
               encoding);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

}  // namespace boxseg
