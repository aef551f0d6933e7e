#include "common/data/formats/json_beginning.h"

#include <algorithm>
#include <fstream>

namespace boxseg {
namespace {

constexpr size_t kLooksAt = 1'000'000;
constexpr std::string_view kBlanks = " \t\r\n";

// Of a text in quotes that begins at `at`: the place behind it, at most the end.
size_t behind_text(std::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return std::min(at + 1, json.size());
}

}  // namespace

bool JsonBeginning::has(std::string_view name) const {
  return std::find(names.begin(), names.end(), name) != names.end();
}

JsonBeginning json_beginning(std::string_view text, bool is_cut) {
  JsonBeginning beginning;
  beginning.is_cut = is_cut;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (text.empty() || (text[0] != '{' && text[0] != '[')) return beginning;
  beginning.is_list = text[0] == '[';
  const int wanted = beginning.is_list ? 2 : 1;
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const size_t end = behind_text(text, at);
      const size_t next = text.find_first_not_of(kBlanks, end);
      if (depth == wanted && next != std::string_view::npos && text[next] == ':')
        beginning.names.emplace_back(text.substr(at + 1, end - at - 2));
      at = end;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth < wanted) break;  // the top level, or the list's first element, is over
    ++at;
  }
  return beginning;
}

JsonBeginning json_beginning(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string text(kLooksAt + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  const bool is_cut = text.size() > kLooksAt;
  if (is_cut) text.resize(kLooksAt);
  return json_beginning(text, is_cut);
}

}  // namespace boxseg
