#include "common/base/visible_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "common/base/text_file.h"

namespace boxseg {
namespace {

struct Character {
  std::string_view bytes;
  uint32_t code = 0;
  bool is_utf8 = true;
};

// Takes the first character off a text that is not empty; a byte that is no UTF-8 is a character of its own.
Character take(std::string_view& text) {
  const size_t length = character_length(text);
  const auto first = static_cast<unsigned char>(text[0]);
  Character c{text.substr(0, std::max<size_t>(length, 1)), first, length > 0};
  if (length > 1) c.code = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) c.code = c.code << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  text.remove_prefix(c.bytes.size());
  return c;
}

// A bare byte from 0x80 to 0x9F counts too, since terminals that know no UTF-8 obey it.
bool is_control(const Character& c) {
  return ((c.code < 0x20 && c.code != '\n' && c.code != '\t') || (c.code >= 0x7F && c.code < 0xA0));
}

bool is_other_blank(uint32_t code) {
  return code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

bool is_unseen(uint32_t code) {
  return code == 0xAD || (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x2069) || code == 0xFEFF;
}

std::string escaped(const Character& c) {
  return c.code < 0x80 || !c.is_utf8 ? fmt::format("\\x{:02X}", c.code) : fmt::format("\\u{:04X}", c.code);
}

// Returns the text with each character replaced by what `show` makes of it.
template <class Show>
std::string rewritten(std::string_view text, const Show& show) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) result += show(take(text));
  return result;
}

}  // namespace

std::string printable(std::string_view text) {
  return rewritten(text, [](const Character& c) { return is_control(c) ? escaped(c) : std::string(c.bytes); });
}

std::string visible(std::string_view name) {
  return rewritten(name, [](const Character& c) {
    const bool is_seen = c.is_utf8 && !is_control(c) && !is_other_blank(c.code) && !is_unseen(c.code) &&
                         c.code != '\n' && c.code != '\t';
    return is_seen ? std::string(c.bytes) : escaped(c);
  });
}

std::string plain(std::string_view name) {
  return rewritten(name, [](const Character& c) -> std::string_view {
    if (c.is_utf8 && is_other_blank(c.code)) return " ";
    return c.is_utf8 && (is_control(c) || is_unseen(c.code)) ? "" : c.bytes;
  });
}

}  // namespace boxseg
