#include "common/data/formats/csv/csv_table.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/text_file.h"

namespace boxseg {
namespace {

constexpr std::string_view kLineEnds = "\r\n";

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  CsvTable parse() {
    CsvTable table;
    table.separator = read_separator_line();
    if (table.separator == '\0') table.separator = most_frequent_separator();
    while (at_ < text_.size()) {
      CsvRow row{line_, {}};
      do row.fields.push_back(field(table.separator));
      while (takes(table.separator));
      end_line();
      if (std::any_of(row.fields.begin(), row.fields.end(), [](const auto& text) { return !text.empty(); }))
        table.rows.push_back(std::move(row));
    }
    return table;
  }

 private:
  bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool takes(char c) {
    if (!is_at(c)) return false;
    ++at_;
    return true;
  }
  void end_line() {
    const bool has_return = takes('\r');
    if (takes('\n') || has_return) ++line_;
  }

  char read_separator_line() {
    if (!text_.starts_with("sep=") || text_.size() < 5 || kLineEnds.find(text_[4]) != std::string_view::npos)
      return '\0';
    if (text_.size() > 5 && kLineEnds.find(text_[5]) == std::string_view::npos) return '\0';
    const char separator = text_[4];
    at_ = 5;
    end_line();
    return separator;
  }

  // Of the first line with text, outside of quotes.
  char most_frequent_separator() const {
    const size_t start = std::min(text_.find_first_not_of("\r\n \t", at_), text_.size());
    int commas = 0, semicolons = 0, tabs = 0;
    bool is_quoted = false;
    for (size_t i = start; i < text_.size() && (is_quoted || kLineEnds.find(text_[i]) == std::string_view::npos); ++i) {
      is_quoted ^= text_[i] == '"';
      if (is_quoted) continue;
      commas += text_[i] == ',';
      semicolons += text_[i] == ';';
      tabs += text_[i] == '\t';
    }
    return semicolons > commas && semicolons >= tabs ? ';' : tabs > commas ? '\t' : ',';
  }

  std::string field(char separator) {
    size_t first = at_;
    while (first < text_.size() && text_[first] == ' ') ++first;
    const std::string ends = std::string(kLineEnds) + separator;
    if (first < text_.size() && text_[first] == '"') {
      at_ = first;
      std::string value = quoted_field();
      const size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
      if (const std::string_view rest = trim(text_.substr(at_, end - at_)); !rest.empty())
        fail_input("{}: line {}: '{}' stands behind a closing quote; write a quote within a field as \"\"", where_,
                   line_, rest.substr(0, 20));
      at_ = end;
      require_utf8(value);
      return value;
    }
    const size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    std::string value(trim(text_.substr(at_, end - at_)));
    at_ = end;
    require_utf8(value);
    return value;
  }

  std::string quoted_field() {
    const int64_t opening = line_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return value;
        }
        ++at_;
      }
      const bool ends_line =
          text_[at_] == '\n' || (text_[at_] == '\r' && (at_ + 1 >= text_.size() || text_[at_ + 1] != '\n'));
      if (ends_line) ++line_;
      value += text_[at_];
    }
    fail_input("{}: line {}: the quote of a field is never closed; close it, and write a quote within a field as \"\"",
               where_, opening);
  }

  void require_utf8(const std::string& value) const {
    if (!is_utf8(value))
      fail_input(
          "{}: line {}: is no UTF-8, so that accents cannot be told; save the file as UTF-8 (in Excel: CSV UTF-8; "
          "iconv "
          "-f WINDOWS-1252 -t UTF-8 FILE)",
          where_, line_);
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& where) { return Parser(text, where).parse(); }

}  // namespace boxseg
