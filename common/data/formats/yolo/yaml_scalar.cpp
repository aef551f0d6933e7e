#include "common/data/formats/yolo/yaml_scalar.h"

#include <charconv>
#include <cstdint>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

std::string utf8(uint32_t code) {
  std::string bytes;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  const auto tail = [&](int shift) { bytes += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x800) {
    bytes += static_cast<char>(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    bytes += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
  } else {
    bytes += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
  }
  tail(0);
  return bytes;
}

// What stands behind the backslash at `at`, which is moved behind it: "\xE9" and "\u00E9" are the character U+00E9.
std::string escaped(std::string_view text, size_t& at, const std::string& where) {
  const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
  const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  const std::string_view escape = text.substr(at, 2 + digits);
  at += 2 + digits;
  if (digits > 0) {
    uint32_t code = 0;
    const auto [end, error] = std::from_chars(escape.data() + 2, escape.data() + escape.size(), code, 16);
    const bool is_surrogate = code >= 0xD800 && code < 0xE000;
    if (escape.size() == 2 + digits && error == std::errc{} && end == escape.data() + escape.size() && code > 0 &&
        code < 0x110000 && !is_surrogate)
      return utf8(code);
  }
  constexpr std::string_view kKinds = "\"\\/ tnr", kCharacters = "\"\\/ \t\n\r";
  if (const size_t known = kKinds.find(kind); digits == 0 && kind != '\0' && known != std::string_view::npos)
    return std::string(1, kCharacters[known]);
  fail_input(
      "{}: '{}' is no escape that is read here; write the character itself, or put the text in single quotes, in "
      "which a backslash is a backslash",
      where, escape);
}

std::string quoted(std::string_view text, size_t& at, const std::string& where) {
  const char quote = text[at];
  const size_t start = at++;
  std::string value;
  while (at < text.size()) {
    if (quote == '"' && text[at] == '\\') {
      value += escaped(text, at, where);
    } else if (text[at] != quote) {
      value += text[at++];
    } else if (quote == '\'' && at + 1 < text.size() && text[at + 1] == '\'') {
      value += quote;
      at += 2;
    } else {
      ++at;
      return value;
    }
  }
  fail_input("{}: the quote that opens {} is not closed in its line; close it, and write a quote within as {}", where,
             text.substr(start, 20), quote == '"' ? "\\\"" : "''");
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool is_yaml_comment(std::string_view text, size_t at) {
  return at < text.size() && text[at] == '#' && (at == 0 || is_blank(text[at - 1]));
}

size_t skip_yaml_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return is_yaml_comment(text, at) ? text.size() : at;
}

std::string read_yaml_scalar(std::string_view text, size_t& at, std::string_view stops, const std::string& where,
                             bool& is_quoted) {
  const char first = at < text.size() ? text[at] : '\0';
  is_quoted = first == '"' || first == '\'';
  if (is_quoted) return quoted(text, at, where);
  if (first != '\0' && std::string_view("&*!|>%@`").find(first) != std::string_view::npos)
    fail_input(
        "{}: '{}' begins with '{}', which has a meaning in YAML that is not read here; write a plain text, or put it "
        "in quotes",
        where, text.substr(at, 20), first);
  const size_t start = at;
  for (; at < text.size() && !is_yaml_comment(text, at) && stops.find(text[at]) == std::string_view::npos; ++at)
    if (text[at] == ':' && (at + 1 == text.size() || is_blank(text[at + 1]))) break;
  return std::string(trim(text.substr(start, at - start)));
}

}  // namespace boxseg
