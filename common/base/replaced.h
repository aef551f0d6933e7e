// Escapes texts by what stands in place of a character.
#pragma once
#include <string>
#include <string_view>

namespace boxseg {

// Returns the text with `by` in place of each `what`.
inline std::string replaced(std::string_view text, char what, std::string_view by) {
  std::string result;
  for (const char c : text) result += c == what ? by : std::string_view(&c, 1);
  return result;
}

}  // namespace boxseg
