#include "eval/report/score_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "common/base/text.h"
#include "eval/report/charts.h"
#include "eval/report/html.h"
#include "eval/report/spread.h"

namespace boxseg {
namespace {

std::string number(const std::optional<double>& value, const char* none = "&ndash;") {
  return value ? fmt::format("{:.1f}", *value) : none;
}

std::string style_of(const ScoreRow& row) {
  if (row.stage == "stage3") return row.variant.starts_with("true_masks") ? "upper" : "net";
  return row.stage == "stage2" ? "pseudo" : "base";
}

// Returns the splits that have scores, the gallery's first.
std::vector<std::string> splits_of(const RunFolder& run, const std::string& first) {
  std::vector<std::string> splits;
  for (const auto& row : run.scores)
    if (std::find(splits.begin(), splits.end(), row.split) == splits.end()) splits.push_back(row.split);
  std::stable_partition(splits.begin(), splits.end(), [&](const auto& s) { return s == first; });
  return splits;
}

std::vector<const ScoreRow*> rows_of(const RunFolder& run, const std::string& split) {
  std::vector<const ScoreRow*> rows;
  for (const auto& row : run.scores)
    if (row.split == split) rows.push_back(&row);
  return rows;
}

// Returns the last (most refined) prediction of the variant that stands for the method: nal, else the first that is no
// upper bound.
const ScoreRow* main_prediction(const std::vector<const ScoreRow*>& rows) {
  const ScoreRow* found = nullptr;
  for (const ScoreRow* row : rows) {
    if (row->stage != "stage3" || row->variant.starts_with("true_masks")) continue;
    if (found == nullptr || row->variant == found->variant || (row->variant == "nal" && found->variant != "nal"))
      found = row;
  }
  return found;
}

const ScoreRow* first_of(const std::vector<const ScoreRow*>& rows, const std::string& stage, const std::string& kind,
                         const std::string& preferred_variant = "bap") {
  const ScoreRow* found = nullptr;
  for (const ScoreRow* row : rows) {
    if (row->stage != stage || row->kind != kind) continue;
    if (found == nullptr || (row->variant == preferred_variant && found->variant != preferred_variant)) found = row;
  }
  return found;
}

const ScoreRow* upper_bound(const std::vector<const ScoreRow*>& rows) {
  const ScoreRow* found = nullptr;
  for (const ScoreRow* row : rows)
    if (row->stage == "stage3" && row->variant == "true_masks") found = row;
  return found;
}

std::string overview_bars(const std::vector<const ScoreRow*>& rows) {
  std::vector<Bar> bars;
  for (const ScoreRow* row : rows) {
    // Where disagreement is left out the number is about other pixels, so it belongs in the table, beside its name.
    if (row->kind == "agreement_ignored") continue;
    bars.push_back({row->title(), row->miou, style_of(*row)});
  }
  const bool has_bound = std::any_of(bars.begin(), bars.end(), [](const Bar& bar) { return bar.style == "upper"; });
  return "<div class=\"legend\"><span><i class=\"key base\"></i>boxes alone</span><span><i class=\"key "
         "pseudo\"></i>pseudo "
         "labels</span><span><i class=\"key net\"></i>segmentation network</span>" +
         std::string(has_bound ? "<span><i class=\"key upper\"></i>trained on true masks: upper bound</span>" : "") +
         "</div>\n" + bar_chart(bars);
}

// A number of each row beside its mIoU.
struct Column {
  const char* title;
  std::optional<double> ScoreRow::*value;
  const char* meaning;
};

// Returns the columns that any row fills; all rows have a pixel accuracy.
std::vector<Column> columns_of(const std::vector<const ScoreRow*>& rows) {
  static const Column kOthers[] = {
      {"box IoU", &ScoreRow::box_iou, "Box IoU is the mean over boxes of the IoU of the pixels that each owns. "},
      {"boxes over 80", &ScoreRow::box_iou_over_80, "Boxes over 80 are those in which it is over 80, in percent. "},
      {"boundary F", &ScoreRow::boundary_f,
       "Boundary F says how much of the contours is right, within 0.75 % of an image's diagonal. "}};
  std::vector<Column> columns = {{"pixel accuracy", &ScoreRow::pacc, ""}};
  for (const Column& column : kOthers)
    if (std::any_of(rows.begin(), rows.end(), [&](const ScoreRow* row) { return (row->*column.value).has_value(); }))
      columns.push_back(column);
  return columns;
}

std::string columns_note(const std::vector<const ScoreRow*>& rows) {
  std::string text;
  for (const Column& column : columns_of(rows)) text += column.meaning;
  return text.empty() ? "" : fmt::format("<p>{}</p>\n", trim(text));
}

std::string difference(double now, double before) {
  const double d = now - before;
  return fmt::format("<span class=\"{}\">{:+.1f}</span>", d >= 0.05 ? "up" : d <= -0.05 ? "down" : "", d);
}

std::string score_table(const std::vector<const ScoreRow*>& rows, const RunFolder& run,
                        const std::optional<RunFolder>& against) {
  std::vector<std::string> classes;
  if (run.dataset) classes = run.dataset->class_names;
  for (const ScoreRow* row : rows)
    for (const auto& [name, value] : row->per_class)
      if (std::find(classes.begin(), classes.end(), name) == classes.end()) classes.push_back(name);
  // A class that the split does not hold has no IoU.
  std::erase_if(classes, [&](const std::string& name) {
    return std::none_of(rows.begin(), rows.end(), [&](const ScoreRow* row) { return row->per_class.contains(name); });
  });
  // This is the best per column; upper bound and partial agreement are left out.
  std::map<std::string, double> best;
  const auto competes = [](const ScoreRow& row) {
    return row.kind != "agreement_ignored" && !row.variant.starts_with("true_masks");
  };
  for (const ScoreRow* row : rows) {
    if (!competes(*row)) continue;
    for (const auto& [name, value] : row->per_class) best[name] = std::max(best[name], value);
    if (row->miou) best["/miou"] = std::max(best["/miou"], *row->miou);
  }
  std::string html = "<div class=\"scroll\"><table><thead><tr><th>labels</th><th>mIoU</th>";
  if (against) html += fmt::format("<th>{}</th><th>difference</th>", escaped(against->name));
  const std::vector<Column> columns = columns_of(rows);
  for (const Column& column : columns) html += fmt::format("<th>{}</th>", column.title);
  for (const auto& name : classes) html += "<th>" + escaped(name) + "</th>";
  html += "</tr></thead><tbody>\n";
  for (const ScoreRow* row : rows) {
    const auto cell = [&](const std::optional<double>& value, const std::string& column) {
      if (!value) return std::string("<td>&ndash;</td>");
      const bool is_best = competes(*row) && *value >= best[column];
      return fmt::format("<td class=\"heat{}\" style=\"--v:{:.0f}\">{:.1f}</td>", is_best ? " best" : "", *value,
                         *value);
    };
    html += fmt::format("<tr><th>{}</th>{}", escaped(row->title()), cell(row->miou, "/miou"));
    if (against) {
      const ScoreRow* other = against->find(row->key);
      const auto before = other ? other->miou : std::nullopt;
      html += fmt::format("<td>{}</td><td>{}</td>", number(before),
                          before && row->miou ? difference(*row->miou, *before) : "&ndash;");
    }
    for (const Column& column : columns) html += "<td>" + number(row->*column.value) + "</td>";
    for (const auto& name : classes) {
      const auto value = row->per_class.find(name);
      html += cell(value == row->per_class.end() ? std::nullopt : std::optional(value->second), name);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

// Lists mean and standard deviation over seeds NAME, NAME@1, NAME@2, ...
std::string seeds_table(const std::vector<const ScoreRow*>& rows) {
  std::vector<std::pair<std::string, std::vector<double>>> groups;
  for (const ScoreRow* row : rows) {
    if (row->variant.empty() || !row->miou) continue;
    ScoreRow base = *row;
    base.variant = row->variant.substr(0, row->variant.find('@'));
    const std::string title = base.title();
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == title; });
    if (group == groups.end())
      groups.push_back({title, {*row->miou}});
    else
      group->second.push_back(*row->miou);
  }
  std::string html;
  for (const auto& [title, values] : groups) {
    if (values.size() < 2) continue;
    const Spread spread = spread_of(values);
    html += fmt::format("<tr><th>{}</th><td>{:.1f}</td><td>{:.2f}</td><td>{}</td></tr>\n", escaped(title), spread.mean,
                        spread.deviation, values.size());
  }
  if (html.empty()) return "";
  return "<h3>Over seeds</h3><div class=\"scroll\"><table><thead><tr><th>labels</th><th>mean mIoU</th><th>standard "
         "deviation</th><th>seeds</th></tr></thead><tbody>\n" +
         html + "</tbody></table></div>\n";
}

std::string color_of_class(const RunFolder& run, const std::string& name) {
  if (!run.dataset) return "";
  const auto& names = run.dataset->class_names;
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? "" : css_color(run.dataset->palette.at(static_cast<size_t>(found - names.begin())));
}

std::string per_class_chart(const std::vector<const ScoreRow*>& rows, const RunFolder& run) {
  GroupedBars bars;
  std::vector<const ScoreRow*> series;
  for (const ScoreRow* row : {first_of(rows, "baseline", "filled_boxes"), first_of(rows, "baseline", "grabcut"),
                              first_of(rows, "stage2", "y_crf"), main_prediction(rows), upper_bound(rows)})
    if (row != nullptr && !row->per_class.empty()) series.push_back(row), bars.series.push_back(row->title());
  if (series.empty()) return "";
  if (run.dataset)
    bars.groups = run.dataset->class_names;
  else
    for (const auto& [name, value] : series[0]->per_class) bars.groups.push_back(name);
  std::erase_if(bars.groups, [&](const std::string& name) {
    return std::none_of(series.begin(), series.end(),
                        [&](const ScoreRow* row) { return row->per_class.contains(name); });
  });
  for (size_t g = 0; g < bars.groups.size(); ++g) {
    bars.group_colors.push_back(color_of_class(run, bars.groups[g]));
    bars.values.emplace_back();
    for (const ScoreRow* row : series) {
      const auto value = row->per_class.find(bars.groups[g]);
      bars.values.back().push_back(value == row->per_class.end() ? std::nullopt : std::optional(value->second));
    }
  }
  return "<h3>Per class</h3>\n" + grouped_bar_chart(bars);
}

std::string agreement_note(const std::vector<const ScoreRow*>& rows) {
  if (std::none_of(rows.begin(), rows.end(), [](const ScoreRow* row) { return row->kind.starts_with("agreement"); }))
    return "";
  return "<p>Agreement is where Y_crf and Y_ret name the same class. The rest is ignored, taken as background, or "
         "counted as wrong. Where it is ignored, the number is about fewer pixels and cannot be compared with the "
         "other rows.</p>\n";
}

}  // namespace

bool is_sibling(const std::string& variant) { return variant.find_first_of("+@") != std::string::npos; }

std::string score_tiles(const RunFolder& run, const std::string& split) {
  const auto rows = rows_of(run, split);
  std::string html;
  for (const ScoreRow* row :
       {first_of(rows, "baseline", "filled_boxes"), first_of(rows, "baseline", "grabcut"),
        first_of(rows, "stage2", "y_crf"), first_of(rows, "stage2", "y_ret"), main_prediction(rows), upper_bound(rows)})
    if (row != nullptr && row->miou)
      html += fmt::format("<div class=\"tile {}\"><b>{:.1f}</b><span>{}</span></div>\n", style_of(*row), *row->miou,
                          escaped(row->title()));
  if (html.empty()) return "";
  return fmt::format("<div class=\"tiles\">\n{}</div>\n<p class=\"sub\">Mean IoU in percent on split {}.</p>\n", html,
                     escaped(split));
}

std::string scores_section(const RunFolder& run, const std::optional<RunFolder>& against,
                           const std::string& first_split) {
  if (run.scores.empty()) return "";
  std::string html = "<section id=\"scores\"><h2>Mean IoU</h2>\n";
  if (against) html += fmt::format("<p>Beside the numbers stand those of run <b>{}</b>.</p>\n", escaped(against->name));
  for (const auto& split : splits_of(run, first_split)) {
    const auto rows = rows_of(run, split);
    html += split.empty() ? "<h3>Other</h3>\n" : fmt::format("<h3>Split {}</h3>\n", escaped(split));
    std::vector<const ScoreRow*> shown, folded;
    for (const ScoreRow* row : rows) (is_sibling(row->variant) ? folded : shown).push_back(row);
    if (shown.empty()) std::swap(shown, folded);
    html += overview_bars(shown) + score_table(shown, run, against) + columns_note(shown) + agreement_note(shown) +
            seeds_table(rows);
    if (!folded.empty())
      html +=
          fmt::format("<details><summary>{} rows of variants with other settings or seeds</summary>\n{}</details>\n",
                      folded.size(), score_table(folded, run, against));
    html += per_class_chart(shown, run);
  }
  return html + "</section>\n";
}

}  // namespace boxseg
