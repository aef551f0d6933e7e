#include "common/pipeline/plan/table_file.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/pipeline/plan/variant_name.h"

namespace boxseg {
namespace {

// Pieces between `separator`, trimmed; empty ones stay.
std::vector<std::string> pieces(const std::string& text, const std::string& separator) {
  std::vector<std::string> all;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    all.emplace_back(trim(std::string_view(text).substr(begin, end == std::string::npos ? end : end - begin)));
    if (end == std::string::npos) return all;
    begin = end + separator.size();
  }
}

bool take_prefix(std::string& text, const std::string& prefix) {
  if (!text.starts_with(prefix)) return false;
  text = std::string(trim(std::string_view(text).substr(prefix.size())));
  return true;
}

// How many words, joined by "/", name a number of each stage; and a time.
const std::map<std::string, size_t> kWordsOfNumber = {{"stage2", 4}, {"stage3", 4}, {"baseline", 3}};
const std::map<std::string, size_t> kWordsOfTime = {{"stage1", 2}, {"stage2", 3}, {"stage3", 2}};

TableKey parse_key(std::string text) {
  TableKey key;
  if (const size_t blank = text.find(' '); blank != std::string::npos && text.find('/') > blank) {
    key.number = text.substr(0, blank);
    take_prefix(text, key.number);
  }
  key.key = text;
  const auto words = split(text, '/');
  const auto& forms = key.is_time() ? kWordsOfTime : kWordsOfNumber;
  const auto form = words.empty() ? forms.end() : forms.find(words[0]);
  if (form == forms.end() || form->second != words.size())
    fail_usage(
        "'{}' is neither a key such as stage2/bap/val/y_crf, stage3/nal/val/crf or baseline/val/grabcut, nor `time "
        "stage1/bap`",
        text);
  return key;
}

TableCell parse_cell(std::string text) {
  TableCell cell;
  if (text.empty()) fail_usage("a cell is empty; write `- REASON` where there is nothing to show");
  auto parts = pieces(text, ";");
  if (take_prefix(parts[0], "- ")) cell.reason = parts[0], parts[0].clear();
  for (size_t i = 1; i < parts.size(); ++i) {
    std::string part = parts[i];
    if (take_prefix(part, "authors "))
      cell.authors = part;
    else if (take_prefix(part, "report "))
      cell.report = part;
    else if (take_prefix(part, "- "))
      cell.reason = part;
    else
      fail_usage("'{}': expected `authors NUMBER` or `report NUMBER` after ';'", part);
  }
  if (const size_t unfilled = parts[0].find('{'); unfilled != std::string::npos) {
    if (cell.reason.empty())
      fail_usage("'{}': this run has none; add `; - REASON`",
                 parts[0].substr(unfilled, parts[0].find('}') + 1 - unfilled));
    parts[0].clear();
  }
  if (parts[0].empty()) return cell;
  for (const auto& value : pieces(parts[0], " / ")) {
    cell.values.emplace_back();
    for (const auto& key : pieces(value, " & ")) cell.values.back().push_back(parse_key(key));
  }
  return cell;
}

std::string filled(std::string text, const std::map<std::string, std::string>& placeholders) {
  for (const auto& [name, value] : placeholders)
    for (size_t at; (at = text.find("{" + name + "}")) != std::string::npos;) text.replace(at, name.size() + 2, value);
  return text;
}

void parse_line(Table& table, const std::string& line) {
  const auto cells = pieces(line, "|");
  const size_t equals = line.find('=');
  const std::string key =
      equals == std::string::npos ? "" : std::string(trim(std::string_view(line).substr(0, equals)));
  if (key == "title" || key == "caption" || key == "row-title" || key == "column" || key == "style") {
    const std::string value(trim(std::string_view(line).substr(equals + 1)));
    if (key == "title") table.title = value;
    if (key == "caption") table.caption = value;
    if (key == "row-title") table.row_title = value;
    if (key == "column") table.columns = pieces(value, "|");
    if (key == "style" && value != "heat" && value != "pictures")
      fail_usage("style = {}: expected heat or pictures", value);
    if (key == "style") (value == "heat" ? table.is_heat_map : table.has_pictures) = true;
    return;
  }
  if (table.columns.empty()) fail_usage("the line column = ... must stand before the first row");
  if (cells.size() != table.columns.size() + 1)
    fail_usage("a row of {} cells in a table of {} columns", cells.size() - 1, table.columns.size());
  TableRow row{cells[0], {}};
  for (size_t i = 1; i < cells.size(); ++i) row.cells.push_back(parse_cell(cells[i]));
  table.rows.push_back(std::move(row));
}

std::string with_seed(const std::string& key, int64_t seed) {
  auto words = split(key, '/');
  VariantName variant = parse_variant(words[1]);
  variant.seed_offset += seed;
  words[1] = variant.text();
  return join(words, "/");
}

}  // namespace

std::vector<TableKey> Table::keys() const {
  std::vector<TableKey> all;
  for (const auto& row : rows)
    for (const auto& cell : row.cells)
      for (const auto& value : cell.values)
        for (const auto& key : value)
          if (std::find(all.begin(), all.end(), key) == all.end()) all.push_back(key);
  return all;
}

bool Table::has(const std::string& key) const {
  for (const auto& row : rows)
    for (const auto& cell : row.cells)
      for (const auto& value : cell.values)
        for (const auto& k : value)
          if (k.key == key && !k.is_time()) return true;
  return false;
}

void Table::repeat(const std::vector<int64_t>& seeds) {
  for (auto& row : rows)
    for (auto& cell : row.cells)
      for (auto& value : cell.values) {
        std::vector<TableKey> repeated;
        for (const auto& key : value) {
          if (key.key.starts_with("baseline/"))
            repeated.push_back(key);
          else
            for (const int64_t seed : seeds) repeated.push_back({with_seed(key.key, seed), key.number});
        }
        value = std::move(repeated);
      }
}

std::string Table::text() const {
  std::string out = fmt::format("title = {}\ncaption = {}\nrow-title = {}\ncolumn = {}\n", title, caption, row_title,
                                join(columns, " | "));
  if (is_heat_map) out += "style = heat\n";
  if (has_pictures) out += "style = pictures\n";
  for (const auto& row : rows) {
    out += row.label;
    for (const auto& cell : row.cells) {
      std::vector<std::string> values;
      for (const auto& value : cell.values) {
        std::vector<std::string> names;
        for (const auto& key : value) names.push_back((key.number == "miou" ? "" : key.number + " ") + key.key);
        values.push_back(join(names, " & "));
      }
      out += " | " + (values.empty() ? "- " + cell.reason : join(values, " / "));
      if (!cell.authors.empty()) out += " ; authors " + cell.authors;
      if (!cell.report.empty()) out += " ; report " + cell.report;
      if (!cell.reason.empty() && !values.empty()) out += " ; - " + cell.reason;
    }
    out += "\n";
  }
  return out;
}

std::string split_of_number(const std::string& key) {
  const auto words = split(key, '/');
  return words.at(words.at(0) == "baseline" ? 1 : 2);
}

bool is_of_coco_masks(const std::string& key) { return key.ends_with("_segm"); }

std::string maker_of(const TableKey& key) {
  if (key.is_time()) return key.key;
  const size_t agreement = key.key.find("/agreement_");  // one evaluation makes all three
  return "evaluate/" + (agreement == std::string::npos ? key.key : key.key.substr(0, agreement) + "/agreement");
}

Table read_table(const fs::path& path, const std::map<std::string, std::string>& placeholders) {
  Table table;
  table.name = path.stem().string();
  int64_t number = 0;
  const std::string text = read_file(path);
  for (const auto& raw : pieces(text, "\n")) {
    ++number;
    if (raw.empty() || raw[0] == '#') continue;
    try {
      parse_line(table, filled(raw, placeholders));
    } catch (const Error& e) {
      fail_usage("{}:{}: {}", path.string(), number, e.what());
    }
  }
  if (table.rows.empty()) fail_usage("{}: the table has no rows", path.string());
  if (table.title.empty()) table.title = table.name;
  return table;
}

}  // namespace boxseg
