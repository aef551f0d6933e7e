#include "common/data/folder_names.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"

namespace boxseg {
namespace {

// A letter is one character with the marks that follow it.
struct Letter {
  std::string_view bytes;
  bool has_marks = false;
};

size_t length_of(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  return std::min(length, text.size());
}

// True for characters that belong to the letter they stand behind: accents, Japanese sound marks, vowels and finals of
// Hangul.
bool is_mark(std::string_view c) {
  return (c >= "\xCC\x80" && c <= "\xCD\xAF" && c.size() == 2) || c == "\xE3\x82\x99" || c == "\xE3\x82\x9A" ||
         (c >= "\xE1\x85\xA1" && c <= "\xE1\x87\xBF" && c.size() == 3);
}

Letter take_letter(std::string_view& text) {
  size_t end = length_of(text);
  Letter letter;
  while (end < text.size() && is_mark(text.substr(end, length_of(text.substr(end))))) {
    end += length_of(text.substr(end));
    letter.has_marks = true;
  }
  letter.bytes = text.substr(0, end);
  text.remove_prefix(end);
  return letter;
}

bool look_alike(const Letter& a, const Letter& b) {
  if (a.bytes == b.bytes) return true;
  if (a.bytes.size() == 1 && b.bytes.size() == 1) return lower_case(a.bytes) == lower_case(b.bytes);
  const Letter& whole = a.has_marks ? b : a;
  return a.has_marks != b.has_marks && static_cast<unsigned char>(whole.bytes[0]) >= 0x80;
}

// Keeps what is neither an accent nor bears one, in lower case; the result is equal for names that look alike.
std::string plain_letters(std::string_view name) {
  std::string plain;
  while (!name.empty())
    if (const Letter letter = take_letter(name); letter.bytes.size() == 1) plain += letter.bytes;
  return lower_case(plain);
}

bool is_one_of(const std::string& suffix, const std::vector<std::string>& suffixes) {
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

bool is_suffix_of_a_tool(const std::string& suffix) {
  return is_one_of(lower_case(suffix), {".jpg", ".jpeg", ".png", ".xml"});
}

const std::vector<std::string>& at_or_none(const std::map<std::string, std::vector<std::string>>& map,
                                           const std::string& key) {
  static const std::vector<std::string> none;
  const auto found = map.find(key);
  return found == map.end() ? none : found->second;
}

std::string stem_of(const std::string& name) { return name.substr(0, name.rfind('.')); }
std::string suffix_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : lower_case(name.substr(dot));
}

}  // namespace

bool look_alike(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty())
    if (!look_alike(take_letter(a), take_letter(b))) return false;
  return a.empty() && b.empty();
}

const FolderNames::Names& FolderNames::names_in(const fs::path& sub_folder) const {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = read_.try_emplace(sub_folder);
  if (!is_new) return at->second;
  // A folder that is not there has no files.
  std::error_code error;
  fs::directory_iterator entries(folder_ / sub_folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    at->second.of_stem[stem_of(name)].push_back(name);
  }
  for (auto& [stem, names] : at->second.of_stem) {
    std::sort(names.begin(), names.end());
    at->second.alike_of[plain_letters(stem)].push_back(stem);
  }
  return at->second;
}

std::vector<std::string> FolderNames::find(const std::string& id, const std::vector<std::string>& suffixes) const {
  const fs::path path(id), parent = path.parent_path();
  const std::vector<std::string>& names = at_or_none(names_in(parent).of_stem, path.filename().string());
  std::vector<std::string> found;
  for (const auto& suffix : suffixes)
    for (const auto& name : names) {
      std::error_code ignored;
      if (suffix_of(name) == suffix && fs::is_regular_file(folder_ / parent / name, ignored))
        found.push_back((parent / name).string());
    }
  return found;
}

std::string FolderNames::near_miss(const std::string& id, const std::vector<std::string>& suffixes,
                                   bool is_strict) const {
  const fs::path path(id), parent = path.parent_path();
  const Names& names = names_in(parent);
  const std::string wanted = path.filename().string();
  const auto shown = [&](const std::string& name) { return (folder_.filename() / parent / name).string(); };
  if (!is_strict) {
    for (const auto& name : at_or_none(names.of_stem, stem_of(wanted)))
      if (name == wanted) return fmt::format("; there is {}: leave the suffix away", shown(name));
    for (const auto& name : at_or_none(names.of_stem, wanted))
      if (!is_one_of(suffix_of(name), suffixes))
        return fmt::format("; there is {}, but expected is {}", shown(name), join(suffixes, ", "));
  }
  // A tool may have put its suffix behind another: "a.jpg.xml" and "a.xml.xml" for a.xml.
  for (auto at = names.of_stem.lower_bound(wanted + ".");
       at != names.of_stem.end() && at->first.starts_with(wanted + "."); ++at)
    for (const auto& name : at->second)
      if (is_one_of(suffix_of(name), suffixes) && is_suffix_of_a_tool(at->first.substr(wanted.size())))
        return fmt::format("; there is {}: rename it {}{}", shown(name), wanted, suffix_of(name));
  for (const auto& stem : at_or_none(names.alike_of, plain_letters(wanted))) {
    if (stem == wanted || !look_alike(stem, wanted)) continue;
    for (const auto& name : names.of_stem.at(stem)) {
      if (!is_one_of(suffix_of(name), suffixes)) continue;
      if (lower_case(stem) == lower_case(wanted))
        return fmt::format("; there is {}, which differs in capital letters: rename one", shown(name));
      return fmt::format(
          "; there is {}, whose accents are other bytes (é may be one character, or e and an accent, as macOS writes "
          "it): rename it, or all with convmv -f utf8 -t utf8 --nfc -r --notest FOLDER",
          shown(name));
    }
  }
  return "";
}

std::vector<std::string> FolderNames::first(size_t count) const {
  std::vector<std::string> all;
  for (const auto& [stem, names] : names_in("").of_stem)
    for (const auto& name : names) all.push_back(name);
  std::sort(all.begin(), all.end());
  if (all.size() > count) all.resize(count);
  return all;
}

}  // namespace boxseg
