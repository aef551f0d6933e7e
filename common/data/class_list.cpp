#include "common/data/class_list.h"

#include <algorithm>
#include <unordered_set>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/text_file.h"

namespace boxseg {
namespace {

// Returns a name in lower case without "_", "-", "<", ">" and blanks: "__Back-Ground__" -> "background".
std::string letters_of(const std::string& name) {
  std::string letters = lower_case(name);
  std::erase_if(letters, [](char c) { return std::string_view("_- <>").find(c) != std::string_view::npos; });
  return letters;
}

bool is_background(const std::string& name) { return letters_of(name) == "background"; }

// Tools put these names before the background for pixels that count as nothing. A bare "ignore" or "void" may be a
// class.
bool is_ignored(const std::string& name) { return name == "__ignore__" || name == "_ignore_"; }

// True for "cat:128,0,0::", which is how CVAT's labelmap.txt has a class.
bool is_of_labelmap(const std::string& line) {
  return std::count(line.begin(), line.end(), ',') == 2 && std::count(line.begin(), line.end(), ':') == 3;
}

// Returns the number in front of "1 cat", "1: cat" and "1,cat"; -1 for none.
int64_t leading_number(const std::string& line) {
  const size_t end = line.find_first_not_of("0123456789");
  if (end == 0 || end == std::string::npos || end > 4 ||
      std::string_view(" \t:,;").find(line[end]) == std::string_view::npos)
    return -1;
  return std::stoll(line.substr(0, end));
}

// Refuses lists that are of another format. Single names may look like one ("2 wheels"), so most formats count only
// where all names do.
void refuse_other_formats(const std::vector<std::string>& names, const std::string& where) {
  const auto refuse = [&](const std::string& line, const char* format) {
    fail_input(
        "{}: '{}' looks like {}; write one plain name a line, in the order of the label values, background left out",
        where, line, format);
  };
  for (const auto& name : names)
    if (name == "{" || name == "[" || name == "names:" || name.starts_with("item {") || name.starts_with("[\""))
      refuse(name, "JSON, YAML or a pbtxt");
  if (names.empty()) return;
  if (std::all_of(names.begin(), names.end(), is_of_labelmap)) refuse(names[0], "a line of CVAT's labelmap.txt");
  for (const int64_t first : {0, 1}) {
    bool counts_up = true;
    for (size_t i = 0; i < names.size(); ++i) counts_up &= leading_number(names[i]) == first + static_cast<int64_t>(i);
    if (counts_up) refuse(names[0], "a number and a name");
  }
}

void check_name(const std::string& name, size_t number, const std::string& where) {
  if (name.empty()) fail_input("{}: class name {} is empty; name the class, or remove it", where, number);
  if (!is_utf8(name)) fail_input("{}: class name {} is no UTF-8; save the list as UTF-8", where, number);
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    fail_input("{}: class name {} holds a control character; write one name a line", where, number);
}

}  // namespace

const std::vector<std::string>& voc_class_names() {
  static const std::vector<std::string> names = {
      "background", "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",
      "car",        "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",
      "motorbike",  "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};
  return names;
}

std::vector<std::string> with_background(std::vector<std::string> names, const std::string& where) {
  for (size_t i = 0; i < names.size(); ++i) check_name(names[i], i + 1, where);
  if (!names.empty() && is_ignored(names[0])) {
    log_warning("{}: '{}' is taken as void, label value 255, and is no class", where, names[0]);
    names.erase(names.begin());
  }
  if (names.empty() || !is_background(names[0])) {
    names.insert(names.begin(), "background");
  } else if (names[0] != "background") {
    log_warning("{}: '{}' is taken as the background, label value 0", where, names[0]);
    names[0] = "background";
  }
  if (names.size() == 1) fail_input("{}: names no class", where);
  if (names.size() > 255)
    fail_input("{}: {} classes with background, at most 255 fit (255 is void)", where, names.size());
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0 && (is_background(names[i]) || is_ignored(names[i])))
      fail_input(
          "{}: '{}' stands behind {}; the background has the label value 0 and void 255: put it first, or leave it "
          "out if the masks are so already",
          where, names[i], i > 1 ? "'" + names[i - 1] + "'" : "the background");
    if (!seen.insert(names[i]).second) fail_input("{}: the class name '{}' stands twice; remove one", where, names[i]);
  }
  return names;
}

std::vector<std::string> read_class_list(const fs::path& path) {
  std::vector<std::string> names, lines = split(read_text_file(path), '\n');
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty())
      log_warning("{}:{}: is empty and counts as no class: those below it move up", path.string(), i + 1);
    else if (lines[i][0] == '#')
      log_warning("{}:{}: '{}' is taken as a comment, not as a class", path.string(), i + 1, lines[i]);
    else
      names.push_back(lines[i]);
  }
  refuse_other_formats(names, path.string());
  return with_background(std::move(names), path.string());
}

}  // namespace boxseg
