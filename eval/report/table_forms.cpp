#include "eval/report/table_forms.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/base/log.h"
#include "common/base/markdown.h"
#include "common/base/text.h"
#include "eval/csv_text.h"
#include "eval/report/html.h"
#include "eval/report/report_style.h"

namespace boxseg {
namespace {

// Names a publication that the table prints: the texts of a cell and what is published for it.
struct Published {
  const char* name;  // "authors"
  std::string FilledCell::*text;
  std::optional<double> TableValue::*number;
};
const Published kPublished[] = {{"authors", &FilledCell::authors, &TableValue::authors},
                                {"report", &FilledCell::report, &TableValue::report}};

// Returns those of kPublished that the table has at all.
std::vector<Published> published_in(const FilledTable& table) {
  std::vector<Published> found;
  for (const auto& published : kPublished)
    for (const auto& row : table.rows)
      if (std::any_of(row.begin(), row.end(),
                      [&](const FilledCell& cell) { return !(cell.*published.text).empty(); })) {
        found.push_back(published);
        break;
      }
  return found;
}

// Says what keeps a value from being whole: "not yet", "2 of 3 seeds", "none" for an average over nothing; else "".
std::string lack_of(const TableValue& value) {
  if (!value.mean) return value.is_complete() ? "none" : "not yet";
  return value.is_complete() ? "" : fmt::format("{} of {} seeds", value.found, value.keys.size());
}

std::string text_of(const TableValue& value) {
  if (!value.mean) return lack_of(value);
  std::string text = value.is_time ? format_duration(*value.mean) : fmt::format("{:.1f}", *value.mean);
  if (value.spread)
    text += " ± " + (value.is_time ? format_duration(*value.spread) : fmt::format("{:.1f}", *value.spread));
  return text + (value.is_complete() ? "" : " (" + lack_of(value) + ")");
}

bool is_empty(const FilledCell& cell) {
  return std::none_of(cell.values.begin(), cell.values.end(), [](const TableValue& v) { return v.mean.has_value(); });
}

std::string text_of(const FilledCell& cell) {
  std::vector<std::string> texts;
  for (const auto& value : cell.values) texts.push_back(text_of(value));
  if (texts.empty()) return cell.reason;
  if (is_empty(cell)) texts.resize(1);  // one "not yet" will do
  return join(texts, " / ");
}

// Returns points, or the factor between two times; a dash for a value that lacks one of the two, or is of other data;
// "" without any.
std::string difference_of(const FilledCell& cell, const Published& published) {
  std::vector<std::string> texts;
  bool is_any = false;
  for (const auto& value : cell.values) {
    const auto other = value.*published.number, difference = value.above(other);
    if (!difference)
      texts.emplace_back("–");
    else if (value.is_time)
      texts.push_back(fmt::format("× {:.2g}", *value.mean / *other));
    else
      texts.push_back(fmt::format("{:+.1f}", *difference));
    is_any |= difference.has_value();
  }
  return is_any ? join(texts, " / ") : "";
}

// Returns "authors 61.8 / 67.5: -3.0 / -1.2; report 60.9 / 64.5: ...".
std::string published_text(const FilledCell& cell) {
  std::vector<std::string> texts;
  for (const auto& published : kPublished) {
    if ((cell.*published.text).empty()) continue;
    const std::string difference = difference_of(cell, published);
    texts.push_back(
        fmt::format("{} {}{}", published.name, cell.*published.text, difference.empty() ? "" : ": " + difference));
  }
  return join(texts, "; ");
}

// Calls body(row, column, cell, value) for every value; for a cell that cannot have one, with nullptr.
template <class Body>
void for_each_value(const FilledTable& table, const Body& body) {
  for (size_t r = 0; r < table.rows.size(); ++r)
    for (size_t c = 0; c < table.rows[r].size(); ++c) {
      const FilledCell& cell = table.rows[r][c];
      for (const auto& value : cell.values) body(table.table.rows[r].label, table.table.columns[c], cell, &value);
      if (cell.values.empty()) body(table.table.rows[r].label, table.table.columns[c], cell, nullptr);
    }
}

// A table of one column has room for everything beside it, how it was made included; of several, each cell has a mark
// of that.
bool is_wide(const FilledTable& table) { return table.table.columns.size() == 1 && !table.table.is_heat_map; }

// Returns each distinct way of making the values, once, for below the table.
std::vector<std::string> ways_in(const FilledTable& table) {
  std::vector<std::string> ways;
  for (const auto& row : table.rows)
    for (const auto& cell : row)
      if (const auto how = cell.how(); !how.empty() && std::find(ways.begin(), ways.end(), how) == ways.end())
        ways.push_back(how);
  return ways;
}

// Returns " [2]" for the second of the ways; "" where there is only one, or no need.
std::string mark_of(const FilledTable& table, const FilledCell& cell) {
  const auto ways = ways_in(table);
  const auto way = std::find(ways.begin(), ways.end(), cell.how());
  return is_wide(table) || ways.size() < 2 || way == ways.end() ? "" : fmt::format(" [{}]", way - ways.begin() + 1);
}

// Returns what stands below the table: how its values were made, and what is missing.
std::vector<std::string> remarks(const FilledTable& table) {
  std::vector<std::string> ways = ways_in(table), all;
  for (size_t i = 0; i < ways.size() && ways.size() > 1; ++i) ways[i] = fmt::format("[{}] {}", i + 1, ways[i]);
  if (!ways.empty() && !is_wide(table)) all.push_back("Made with: " + join(ways, "; ") + ".");
  bool is_of_other_data = false;
  for_each_value(table, [&](const auto&, const auto&, const auto&, const TableValue* v) {
    is_of_other_data |= v != nullptr && v->mean && (v->authors || v->report) && !v->is_of_published_data;
  });
  if (is_of_other_data)
    all.emplace_back(
        "The published numbers are of VOC 2012 or COCO 2017 in full. These are of other images, so that a difference "
        "would mean nothing.");
  if (table.missing > 0)
    all.push_back(fmt::format("{} of {} values {} not there yet.", table.missing, table.values,
                              table.missing == 1 ? "is" : "are"));
  return all;
}

// Returns where a value stands between the lowest and the highest of the table, in percent.
double heat_of(const FilledTable& table, const TableValue& value) {
  double low = INFINITY, high = -INFINITY;
  for_each_value(table, [&](const auto&, const auto&, const auto&, const TableValue* v) {
    if (v != nullptr && v->mean) low = std::min(low, *v->mean), high = std::max(high, *v->mean);
  });
  return value.mean && high > low ? 100 * (*value.mean - low) / (high - low) : 0;
}

std::string html_of(const FilledTable& table, const FilledCell& cell, const std::vector<Published>& published) {
  const std::string how = escaped(cell.how()), mark = mark_of(table, cell);
  if (table.table.is_heat_map) {
    const std::string beside = published_text(cell);
    const std::string text =
        escaped(text_of(cell)) + mark + (beside.empty() ? "" : " <small>(" + escaped(beside) + ")</small>");
    if (cell.values.empty() || !cell.values[0].mean) return "<td>" + text + "</td>";
    return fmt::format("<td class=\"heat\" style=\"--v:{:.0f}\" title=\"{}\">{}</td>", heat_of(table, cell.values[0]),
                       how, text);
  }
  const size_t columns = 1 + 2 * published.size() + (is_wide(table) ? 1 : 0);
  if (cell.values.empty() && cell.authors.empty() && cell.report.empty())
    return fmt::format("<td class=\"text\" colspan=\"{}\">{}</td>", columns, escaped(cell.reason));
  const std::string text = is_empty(cell) ? escaped(text_of(cell)) : "<b>" + escaped(text_of(cell)) + "</b>";
  std::string html = fmt::format("<td title=\"{}\">{}{}</td>", how, text, mark);
  for (const auto& p : published)
    html += fmt::format("<td>{}</td><td>{}</td>", escaped(cell.*p.text), difference_of(cell, p));
  return html + (is_wide(table) ? "<td class=\"text\">" + how + "</td>" : "");
}

}  // namespace

std::string markdown_of(const FilledTable& table) {
  const auto published = published_in(table);
  std::vector<std::string> header = {table.table.row_title};
  header.insert(header.end(), table.table.columns.begin(), table.table.columns.end());
  if (is_wide(table)) {
    for (const auto& p : published) header.insert(header.end(), {p.name, "difference"});
    header.emplace_back("how");
  }
  std::vector<std::vector<std::string>> rows;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    rows.push_back({table.table.rows[r].label});
    for (const auto& cell : table.rows[r]) {
      const std::string beside = is_wide(table) ? "" : published_text(cell);
      rows.back().push_back(text_of(cell) + mark_of(table, cell) + (beside.empty() ? "" : " (" + beside + ")"));
      if (!is_wide(table)) continue;
      for (const auto& p : published) rows.back().insert(rows.back().end(), {cell.*p.text, difference_of(cell, p)});
      rows.back().push_back(cell.how());
    }
  }
  std::string text =
      fmt::format("## {}\n\n{}\n{}\n", table.table.title, markdown_table(header, rows), table.table.caption);
  for (const auto& remark : remarks(table)) text += "\n" + remark + "\n";
  return text;
}

std::string csv_of(const FilledTable& table) {
  std::string text = "row,column,value,unit,spread,authors,report,difference_authors,difference_report,how,keys,note\n";
  const auto number = [](const std::optional<double>& x) { return x ? fmt::format("{:.4f}", *x) : std::string(); };
  for_each_value(
      table, [&](const std::string& row, const std::string& column, const FilledCell& cell, const TableValue* v) {
        if (v == nullptr) {
          text += fmt::format("{},{},,,,,,,,,,{}\n", csv_quoted(row), csv_quoted(column), csv_quoted(cell.reason));
          return;
        }
        const auto difference = [&](const auto& x) { return number(v->above(x)); };
        text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_quoted(row), csv_quoted(column),
                            number(v->mean), v->is_time ? "seconds" : "percent", number(v->spread), number(v->authors),
                            number(v->report), difference(v->authors), difference(v->report), csv_quoted(v->how()),
                            csv_quoted(join(v->keys, " ")), csv_quoted(lack_of(*v)));
      });
  return text;
}

std::string json_of(const FilledTable& table) {
  using Json = nlohmann::ordered_json;
  Json all = {{"name", table.table.name}, {"title", table.table.title}, {"caption", table.table.caption}};
  all["values"] = Json::array();
  const auto number = [](const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); };
  for_each_value(
      table, [&](const std::string& row, const std::string& column, const FilledCell& cell, const TableValue* v) {
        if (v == nullptr) {
          all["values"].push_back({{"row", row}, {"column", column}, {"value", nullptr}, {"note", cell.reason}});
          return;
        }
        const auto difference = [&](const auto& x) { return number(v->above(x)); };
        all["values"].push_back({{"row", row},
                                 {"column", column},
                                 {"value", number(v->mean)},
                                 {"unit", v->is_time ? "seconds" : "percent"},
                                 {"spread", number(v->spread)},
                                 {"authors", number(v->authors)},
                                 {"report", number(v->report)},
                                 {"difference_authors", difference(v->authors)},
                                 {"difference_report", difference(v->report)},
                                 {"how", v->how()},
                                 {"keys", v->keys},
                                 {"note", lack_of(*v)}});
      });
  return all.dump(1) + "\n";
}

std::string html_of(const FilledTable& table, const std::optional<RgbImage>& picture) {
  const auto published = published_in(table);
  std::string html = fmt::format("<h3>{}</h3><div class=\"scroll\"><table><thead><tr><th>{}</th>",
                                 escaped(table.table.title), escaped(table.table.row_title));
  for (const auto& column : table.table.columns) {
    html += fmt::format("<th>{}</th>", escaped(column));
    if (!table.table.is_heat_map)
      for (const auto& p : published) html += fmt::format("<th>{}</th><th>&Delta;</th>", p.name);
  }
  if (is_wide(table)) html += "<th class=\"text\">how</th>";
  html += "</tr></thead><tbody>\n";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    html += fmt::format("<tr><th>{}</th>", escaped(table.table.rows[r].label));
    for (const auto& cell : table.rows[r]) html += html_of(table, cell, published);
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n<p class=\"sub\">" + escaped(table.table.caption);
  for (const auto& remark : remarks(table)) html += " " + escaped(remark);
  html += "</p>\n";
  if (picture)
    html += fmt::format("<img alt=\"{}\" style=\"max-width:100%\" src=\"{}\">\n", escaped(table.table.title),
                        jpeg_uri(*picture, 90));
  return html;
}

std::string html_page_of(const FilledTable& table, const std::optional<RgbImage>& picture) {
  return html_document(table.table.title, html_of(table, picture));
}

}  // namespace boxseg
