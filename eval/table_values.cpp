#include "eval/table_values.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "eval/html.h"
#include "eval/spread.h"

namespace boxseg {
namespace {

using Manifests = std::map<std::string, Manifest>;

const Manifest* find(const Manifests& manifests, const std::string& folder) {
  const auto found = manifests.find(folder);
  return found == manifests.end() ? nullptr : &found->second;
}

std::string option_of(const Manifest* manifest, const std::string& name) {
  if (manifest == nullptr) return "";
  const auto found = manifest->options.find(name);
  return found == manifest->options.end() ? "" : found->second;
}

std::string fact_of(const Manifest* manifest, const std::string& name) {
  if (manifest == nullptr) return "";
  const auto found = manifest->facts.find(name);
  return found == manifest->facts.end() ? "" : found->second;
}

// The stage-1 run whose classifier made these labels.
const Manifest* classifier_of(const Manifest* labels, const Manifests& manifests) {
  if (labels == nullptr || !labels->inputs.contains("checkpoint")) return nullptr;
  for (const auto& [folder, manifest] : manifests)
    if (folder.starts_with("stage1/"))
      for (const auto& output : manifest.outputs)
        if (output.digest == labels->inputs.at("checkpoint")) return &manifest;
  return nullptr;
}

// How far a value's network was trained, on how much, and how it was applied.
std::string how_of(const TableKey& key, const Manifests& manifests) {
  const auto words = split(key.key, '/');
  std::vector<std::string> facts;
  const auto training = [&](const Manifest* manifest) {
    if (manifest == nullptr) return;
    facts.push_back(option_of(manifest, "iterations") + " steps");
    if (const auto images = fact_of(manifest, "images"); !images.empty()) facts.push_back(images + " images");
    facts.push_back(fmt::format("seed {}", manifest->seed));
  };
  if (words[0] == "stage1") training(find(manifests, "stage1/" + words[1]));
  if (words[0] == "stage2") {
    const Manifest* labels = find(manifests, "stage2/" + words[1] + "/" + words[2]);
    training(classifier_of(labels, manifests));
    if (key.is_time) facts.push_back("labels of " + fact_of(labels, "images") + " images");
  }
  if (words[0] == "stage3") {
    training(find(manifests, "stage3/" + words[1]));
    if (!key.is_time) {
      const Manifest* predictions = find(manifests, "stage3/" + words[1] + "/predictions/" + words[2] + "/" + words[3]);
      const auto on = [&](const char* name) { return option_of(predictions, name) == "true" ? "on" : "off"; };
      facts.push_back(fmt::format("TTA {}, CRF {}", on("tta"), on("crf")));
    }
  }
  return join(facts, ", ");
}

std::optional<double> value_of(const TableKey& key, const RunFolder& run) {
  if (key.is_time) {
    const Manifest* manifest = find(run.manifests, key.key);
    return manifest == nullptr ? std::nullopt : std::optional(manifest->wall_time_s);
  }
  const ScoreRow* row = run.find(key.key);
  return row == nullptr ? std::nullopt : row->miou;
}

TableValue value_over(const std::vector<TableKey>& keys, const RunFolder& run) {
  TableValue value;
  std::vector<double> found;
  std::vector<std::string> how;
  for (const auto& key : keys) {
    value.is_time = key.is_time;
    value.keys.push_back(key.key);
    if (const auto number = value_of(key, run)) {
      found.push_back(*number);
      const std::string text = how_of(key, run.manifests);
      if (std::find(how.begin(), how.end(), text) == how.end()) how.push_back(text);
    }
  }
  if (found.empty()) return value;
  const Spread spread = spread_of(found);
  value.mean = spread.mean;
  if (found.size() > 1) value.spread = spread.deviation;
  value.how = join(how, "; ");
  return value;
}

// "61.8 / 67.5" -> the number at `i`, if it is one (a time has a unit).
std::optional<double> published(const std::string& text, size_t i) {
  const auto numbers = split(text, '/');
  if (i >= numbers.size()) return std::nullopt;
  try {
    return parse_number(numbers[i], "published");
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string text_of(const TableValue& value) {
  if (!value.mean) return "–";
  if (value.is_time) return format_duration(*value.mean);
  return value.spread ? fmt::format("{:.1f} ± {:.1f}", *value.mean, *value.spread) : fmt::format("{:.1f}", *value.mean);
}

std::string text_of(const FilledCell& cell) {
  std::vector<std::string> texts;
  for (const auto& value : cell.values) texts.push_back(text_of(value));
  if (texts.empty()) return cell.reason;
  return join(texts, " / ") + (cell.reason.empty() ? "" : " (" + cell.reason + ")");
}

std::string difference_of(const FilledCell& cell, std::optional<double> TableValue::*other) {
  std::vector<std::string> texts;
  for (const auto& value : cell.values)
    if (value.mean && value.*other) texts.push_back(fmt::format("{:+.1f}", *value.mean - *(value.*other)));
  return join(texts, " / ");
}

std::string escaped_bar(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string quoted_csv(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// Calls body(row, column, value) for every value.
template <class Body>
void for_each_value(const FilledTable& table, const Body& body) {
  for (size_t r = 0; r < table.rows.size(); ++r)
    for (size_t c = 0; c < table.rows[r].size(); ++c)
      for (const auto& value : table.rows[r][c].values) body(table.table.rows[r].label, table.table.columns[c], value);
}

// Each distinct way of making the values, once, for below the table.
std::vector<std::string> ways(const FilledTable& table) {
  std::vector<std::string> all;
  for_each_value(table, [&](const std::string&, const std::string&, const TableValue& value) {
    if (!value.how.empty() && std::find(all.begin(), all.end(), value.how) == all.end()) all.push_back(value.how);
  });
  return all;
}

std::string missing_note(const FilledTable& table) {
  return table.missing == 0 ? "" : fmt::format("{} values are not there yet.", table.missing);
}

}  // namespace

FilledTable fill_table(const Table& table, const RunFolder& run) {
  FilledTable filled{table, {}, 0};
  for (const auto& row : table.rows) {
    filled.rows.emplace_back();
    for (const auto& cell : row.cells) {
      FilledCell out;
      out.reason = cell.reason;
      std::vector<std::string> texts;
      if (!cell.authors.empty()) texts.push_back("authors " + cell.authors);
      if (!cell.report.empty()) texts.push_back("report " + cell.report);
      out.published = join(texts, ", ");
      for (const auto& keys : cell.values) {
        TableValue value = value_over(keys, run);
        value.authors = published(cell.authors, out.values.size());
        value.report = published(cell.report, out.values.size());
        if (!value.mean) ++filled.missing;
        out.values.push_back(std::move(value));
      }
      filled.rows.back().push_back(std::move(out));
    }
  }
  return filled;
}

std::string markdown_of(const FilledTable& table) {
  // One column has room for everything beside; of several, each shows the published numbers in brackets.
  const bool is_wide = table.table.columns.size() == 1 && !table.table.is_heat_map;
  std::string text = fmt::format("## {}\n\n| {} |", table.table.title, table.table.row_title), rule = "|---|";
  for (const auto& column : table.table.columns) text += fmt::format(" {} |", escaped_bar(column)), rule += "---|";
  if (is_wide) text += " authors | difference | report | difference | how |", rule += "---|---|---|---|---|";
  text += "\n" + rule + "\n";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    text += fmt::format("| {} |", escaped_bar(table.table.rows[r].label));
    for (size_t c = 0; c < table.rows[r].size(); ++c) {
      const FilledCell& cell = table.rows[r][c];
      text += " " + escaped_bar(text_of(cell)) + (is_wide || cell.published.empty() ? "" : " (" + cell.published + ")") + " |";
      if (!is_wide) continue;
      const TableCell& source = table.table.rows[r].cells[c];
      text += fmt::format(" {} | {} | {} | {} | {} |", source.authors, difference_of(cell, &TableValue::authors), source.report,
                          difference_of(cell, &TableValue::report), cell.values.empty() ? "" : cell.values.back().how);
    }
    text += "\n";
  }
  text += "\n" + table.table.caption + "\n";
  if (const auto how = ways(table); !is_wide && !how.empty()) text += "\nMade with: " + join(how, "; or ") + ".\n";
  if (table.missing > 0) text += "\n" + missing_note(table) + "\n";
  return text;
}

std::string csv_of(const FilledTable& table) {
  std::string text = "row,column,value,unit,spread,authors,report,difference_authors,difference_report,how,keys\n";
  for_each_value(table, [&](const std::string& row, const std::string& column, const TableValue& v) {
    const auto number = [](const std::optional<double>& x) { return x ? fmt::format("{:.4f}", *x) : std::string(); };
    const auto difference = [&](const std::optional<double>& x) { return v.mean && x ? fmt::format("{:.4f}", *v.mean - *x) : std::string(); };
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", quoted_csv(row), quoted_csv(column), number(v.mean),
                        v.is_time ? "seconds" : "percent", number(v.spread), number(v.authors), number(v.report), difference(v.authors),
                        difference(v.report), quoted_csv(v.how), quoted_csv(join(v.keys, " ")));
  });
  return text;
}

std::string json_of(const FilledTable& table) {
  nlohmann::ordered_json all = {{"name", table.table.name}, {"title", table.table.title}, {"caption", table.table.caption}};
  all["values"] = nlohmann::ordered_json::array();
  for_each_value(table, [&](const std::string& row, const std::string& column, const TableValue& v) {
    const auto number = [](const std::optional<double>& x) { return x ? nlohmann::ordered_json(*x) : nlohmann::ordered_json(nullptr); };
    all["values"].push_back({{"row", row}, {"column", column}, {"value", number(v.mean)}, {"unit", v.is_time ? "seconds" : "percent"},
                             {"spread", number(v.spread)}, {"authors", number(v.authors)}, {"report", number(v.report)},
                             {"how", v.how}, {"keys", v.keys}});
  });
  return all.dump(1) + "\n";
}

std::string html_of(const FilledTable& table) {
  std::string html = fmt::format("<h3>{}</h3><div class=\"scroll\"><table><thead><tr><th>{}</th>", escaped(table.table.title),
                                 escaped(table.table.row_title));
  double low = 1e9, high = -1e9;
  for_each_value(table, [&](const std::string&, const std::string&, const TableValue& v) {
    if (v.mean) low = std::min(low, *v.mean), high = std::max(high, *v.mean);
  });
  for (const auto& column : table.table.columns)
    html += fmt::format("<th>{}</th>{}", escaped(column), table.table.is_heat_map ? "" : "<th>authors</th><th>&Delta;</th><th>report</th><th>&Delta;</th>");
  html += "</tr></thead><tbody>\n";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    html += fmt::format("<tr><th>{}</th>", escaped(table.table.rows[r].label));
    for (size_t c = 0; c < table.rows[r].size(); ++c) {
      const FilledCell& cell = table.rows[r][c];
      const TableCell& source = table.table.rows[r].cells[c];
      if (cell.values.empty()) {
        html += fmt::format("<td class=\"text\" colspan=\"{}\">{}</td>", table.table.is_heat_map ? 1 : 5, escaped(cell.reason));
        continue;
      }
      const std::string how = escaped(cell.values.back().how);
      if (table.table.is_heat_map) {
        const double at = cell.values[0].mean && high > low ? 100 * (*cell.values[0].mean - low) / (high - low) : 0;
        html += fmt::format("<td class=\"heat\" style=\"--v:{:.0f}\" title=\"{}\">{}{}</td>", at, how, escaped(text_of(cell)),
                            cell.published.empty() ? "" : " <small>(" + escaped(cell.published) + ")</small>");
      } else {
        html += fmt::format("<td title=\"{}\"><b>{}</b></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>", how, escaped(text_of(cell)),
                            escaped(source.authors), difference_of(cell, &TableValue::authors), escaped(source.report),
                            difference_of(cell, &TableValue::report));
      }
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n<p class=\"sub\">" + escaped(table.table.caption);
  if (const auto how = ways(table); !how.empty()) html += " Made with: " + escaped(join(how, "; or ")) + ".";
  if (table.missing > 0) html += " " + missing_note(table);
  return html + "</p>\n";
}

}  // namespace boxseg
