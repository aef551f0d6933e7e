// One text of YAML: plain, 'in single quotes' or "in double quotes".
#pragma once
#include <string>
#include <string_view>

namespace boxseg {

// Reads the text that begins at `at` and moves `at` behind it. A plain one ends before a comment, ": " and any
// character of `stops`. Sets `is_quoted`. Throws bad_input with `where`: a quote that is not closed, an escape that
// YAML does not know, a character that plain texts cannot begin with.
std::string read_yaml_scalar(std::string_view text, size_t& at, std::string_view stops, const std::string& where,
                             bool& is_quoted);

// Whether a comment begins at `at`: a "#" at the start or behind a blank.
bool is_yaml_comment(std::string_view text, size_t at);

// The position of the first character from `at` that is no blank; that of the end where a comment follows.
size_t skip_yaml_blanks(std::string_view text, size_t at);

}  // namespace boxseg
