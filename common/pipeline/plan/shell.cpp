#include "common/pipeline/plan/shell.h"

#include <algorithm>
#include <cctype>

#include "common/base/replaced.h"

namespace boxseg {

std::string shell_quote(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string("_-./=,:@+%").find(c) != std::string::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  return "'" + replaced(text, '\'', "'\\''") + "'";
}

std::string make_escape(const std::string& text) { return replaced(text, '$', "$$"); }

}  // namespace boxseg
