#include "common/data/formats/yolo/yaml_subset.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"
#include "common/data/formats/yolo/yaml_scalar.h"

namespace boxseg {
namespace {

constexpr const char* kSubset =
    "write KEY: VALUE, KEY: [VALUE, VALUE], or below KEY: one '- VALUE' or 'N: VALUE' a line";

bool is_item(std::string_view line) { return line == "-" || line.starts_with("- ") || line.starts_with("-\t"); }

class Reader {
 public:
  Reader(const fs::path& path, const std::vector<std::string>& wanted) : path_(path), wanted_(wanted) {
    const std::string text = read_text_file(path);
    for (size_t start = 0; start <= text.size();) {
      const size_t end = std::min(text.find('\n', start), text.size());
      lines_.push_back(text.substr(start, end - start));
      while (!lines_.back().empty() && trim(lines_.back().substr(lines_.back().size() - 1)).empty())
        lines_.back().pop_back();
      if (!is_utf8(lines_.back()))
        fail_input("{}:{}: is no UTF-8; save the file as UTF-8", path.string(), lines_.size());
      start = end + 1;
    }
  }

  std::map<std::string, YamlValue> read() {
    for (skip_empty(); at_ < lines_.size(); skip_empty()) {
      const std::string& line = lines_[at_];
      if ((line.starts_with("---") && !has_started_) || line.starts_with("%")) {
        ++at_;
        continue;
      }
      if (line == "...") break;
      if (line.starts_with("---")) refuse("begins a second document; keep one");
      has_started_ = true;
      read_key();
    }
    for (++at_, skip_empty(); at_ < lines_.size();) refuse("stands behind the end of the document, '...'; remove one");
    return std::move(values_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { fail_input("{}: '{}' {}", where(), lines_[at_], what); }
  std::string where() const { return fmt::format("{}:{}", path_.string(), at_ + 1); }
  int64_t line_number() const { return static_cast<int64_t>(at_) + 1; }

  // Of the line, in blanks. Throws for tabs, which YAML forbids there.
  size_t indentation() const {
    const size_t blanks = std::min(lines_[at_].find_first_not_of(' '), lines_[at_].size());
    if (blanks < lines_[at_].size() && lines_[at_][blanks] == '\t') refuse("is indented by a tab; use blanks");
    return blanks;
  }
  bool is_empty() const {
    const std::string_view content = trim(lines_[at_]);
    return content.empty() || content[0] == '#';
  }
  void skip_empty() {
    while (at_ < lines_.size() && is_empty()) ++at_;
  }

  // "KEY:" at `at`, which is moved to the value.
  std::string key(std::string_view line, size_t& at) {
    bool is_quoted = false;
    const std::string name = read_yaml_scalar(line, at, "", where(), is_quoted);
    at = std::min(line.find_first_not_of(" \t", at), line.size());
    if (at == line.size() || line[at] != ':' || name.empty())
      refuse(fmt::format("is not of the kind that is read here; {}", kSubset));
    at = skip_yaml_blanks(line, at + 1);
    return name;
  }

  void read_key() {
    const std::string& line = lines_[at_];
    if (line[0] == '{' || line[0] == '[' || is_item(line)) refuse(fmt::format("holds no key; {}", kSubset));
    if (indentation() > 0) refuse(fmt::format("is indented, but belongs to nothing above; {}", kSubset));
    size_t at = 0;
    const std::string name = key(line, at);
    if (const auto [seen, is_new] = line_of_.emplace(name, line_number()); !is_new)
      refuse(fmt::format("has a key that stands in line {} already; remove one", seen->second));
    if (std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end())
      skip_value(at);
    else
      values_[name] = value(at);
  }

  void skip_value(size_t at) {
    if (at < lines_[at_].size() && (lines_[at_][at] == '[' || lines_[at_][at] == '{'))
      flow_text(at);
    else
      ++at_;
    // An empty line or a comment may stand in a text of several lines, and ends nothing.
    while (at_ < lines_.size() &&
           (is_empty() || lines_[at_][0] == ' ' || lines_[at_][0] == '\t' || is_item(lines_[at_])))
      ++at_;
  }

  YamlValue value(size_t at) {
    YamlValue value;
    value.line = line_number();
    const std::string& line = lines_[at_];
    if (at < line.size() && (line[at] == '[' || line[at] == '{')) {
      read_flow(at, value);
    } else if (at < line.size()) {
      value.kind = YamlValue::Kind::text;
      value.items.push_back(last_scalar(at));
      const YamlText& only = value.items[0];
      if (!only.is_quoted && (only.text == "~" || lower_case(only.text) == "null")) value = {.line = value.line};
    } else {
      ++at_;
      read_block(value);
      return value;
    }
    skip_empty();
    if (at_ < lines_.size() && (lines_[at_][0] == ' ' || lines_[at_][0] == '\t'))
      refuse(fmt::format("continues the value of line {}; write a text on one line, and {}", value.line, kSubset));
    return value;
  }

  // A text up to the end of the line, which is left.
  YamlText last_scalar(size_t at) {
    YamlText found{"", line_number(), false};
    const std::string& line = lines_[at_];
    found.text = read_yaml_scalar(line, at, "", where(), found.is_quoted);
    if (skip_yaml_blanks(line, at) < line.size())
      refuse(
          fmt::format("has more behind '{}'; put a text with such characters in quotes, and {}", found.text, kSubset));
    ++at_;
    return found;
  }

  void read_block(YamlValue& value) {
    size_t common = 0;
    for (skip_empty(); at_ < lines_.size(); skip_empty()) {
      const size_t indent = indentation();
      const std::string_view line = lines_[at_];
      const bool item = is_item(line.substr(indent));
      if (indent == 0 && !item) return;
      const auto kind = item ? YamlValue::Kind::list : YamlValue::Kind::map;
      if (value.kind == YamlValue::Kind::nothing) {
        value.kind = kind;
        common = indent;
      }
      if (indent != common || kind != value.kind)
        refuse(fmt::format("does not go on as the lines above do; {}", kSubset));
      size_t at = item ? skip_yaml_blanks(line, indent + 1) : indent;
      if (!item) {
        value.keys.push_back({"", line_number(), false});
        value.keys.back().text = key(line, at);
      }
      if (at < line.size() && (line[at] == '[' || line[at] == '{' || is_item(line.substr(at))))
        refuse(fmt::format("nests a value in a value; {}", kSubset));
      value.items.push_back(last_scalar(at));
    }
  }

  // The text from the bracket at `at` to the one that closes it, without comments; lines are joined by blanks. Leaves
  // the last line.
  std::string flow_text(size_t at) {
    const std::string opening = where();
    std::string text;
    int depth = 0;
    for (; at_ < lines_.size(); ++at_, at = 0, text += ' ') {
      const std::string& line = lines_[at_];
      for (at = skip_yaml_blanks(line, at); at < line.size() && !is_yaml_comment(line, at); ++at) {
        const size_t before = text.find_last_not_of(" \t");
        const bool can_open_quote =
            before != std::string::npos && std::string_view("[{,:").find(text[before]) != std::string_view::npos;
        if ((line[at] == '"' || line[at] == '\'') && can_open_quote) {
          const size_t start = at;
          bool is_quoted = false;
          read_yaml_scalar(line, at, "", where(), is_quoted);
          text += line.substr(start, at-- - start);
          continue;
        }
        text += line[at];
        depth += line[at] == '[' || line[at] == '{';
        depth -= line[at] == ']' || line[at] == '}';
        if (depth > 0) continue;
        if (skip_yaml_blanks(line, at + 1) < line.size()) refuse("has more behind the bracket that closes; remove it");
        ++at_;
        return text;
      }
    }
    fail_input("{}: the bracket that opens here is never closed; close it", opening);
  }

  void read_flow(size_t at, YamlValue& value) {
    const std::string opening = where();
    const std::string text = flow_text(at);
    const bool is_map = text[0] == '{';
    value.kind = is_map ? YamlValue::Kind::map : YamlValue::Kind::list;
    const char close = is_map ? '}' : ']';
    const auto scalar = [&](size_t& from) {
      YamlText found{"", value.line, false};
      found.text = read_yaml_scalar(text, from, ",[]{}", opening, found.is_quoted);
      from = skip_yaml_blanks(text, from);
      return found;
    };
    const auto is_at = [&](size_t from, char c) { return from < text.size() && text[from] == c; };
    for (size_t from = skip_yaml_blanks(text, 1); !is_at(from, close); from = skip_yaml_blanks(text, from)) {
      if (is_map) {
        value.keys.push_back(scalar(from));
        if (!is_at(from, ':')) fail_input("{}: '{}' has no value; {}", opening, value.keys.back().text, kSubset);
        from = skip_yaml_blanks(text, from + 1);
      }
      value.items.push_back(scalar(from));
      if (is_at(from, ',') && (value.items.back().is_quoted || !value.items.back().text.empty()))
        ++from;
      else if (!is_at(from, close))
        fail_input("{}: behind '{}' stands '{}', expected ',' or '{}'; {}", opening, value.items.back().text,
                   text.substr(from, 10), close, kSubset);
    }
  }

  fs::path path_;
  std::vector<std::string> wanted_, lines_;
  size_t at_ = 0;
  bool has_started_ = false;
  std::map<std::string, int64_t> line_of_;
  std::map<std::string, YamlValue> values_;
};

}  // namespace

std::map<std::string, YamlValue> read_yaml_subset(const fs::path& path, const std::vector<std::string>& wanted) {
  return Reader(path, wanted).read();
}

}  // namespace boxseg
