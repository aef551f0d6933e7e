#include "eval/report/run_difference_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/markdown.h"
#include "common/base/text.h"
#include "eval/report/html.h"

namespace boxseg {
namespace {

constexpr size_t kClassesShown = 4;

struct Grid {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

// Holds what both forms show: two grids, and sentences below each.
struct Shown {
  Grid settings, numbers;
  std::vector<std::string> about_pieces, about_numbers;
};

std::string counted(int64_t count, const std::string& one, const std::string& many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// Makes a row per change, with the pieces of work that have it: a run on other threads is one row, not one per piece.
Grid settings_grid(const RunDifference& d) {
  Grid grid{{"setting", d.here, d.there, "pieces of work"}, {}};
  std::vector<Change> changes;
  std::vector<std::vector<std::string>> folders;
  for (const auto& piece : d.pieces)
    for (const auto& change : piece.changes) {
      const auto known = std::find_if(changes.begin(), changes.end(), [&](const Change& c) {
        return c.what == change.what && c.here == change.here && c.there == change.there;
      });
      const auto at = static_cast<size_t>(known - changes.begin());
      if (known == changes.end()) changes.push_back(change), folders.emplace_back();
      folders[at].push_back(piece.folder);
    }
  const auto shown = [](const std::string& value) { return value.empty() ? "–" : value; };
  const size_t all = d.pieces.size() + static_cast<size_t>(d.same_pieces);
  for (size_t i = 0; i < changes.size(); ++i)
    grid.rows.push_back({changes[i].what, shown(changes[i].here), shown(changes[i].there),
                         folders[i].size() == all && all > 1 ? fmt::format("all {}", all) : join(folders[i], ", ")});
  return grid;
}

Grid numbers_grid(const RunDifference& d) {
  Grid grid{{"labels", "split", d.here, d.there, "difference", "classes that moved most"}, {}};
  for (const auto& number : d.numbers) {
    std::vector<std::string> classes;
    for (const auto& c : number.classes)
      if (classes.size() < kClassesShown && std::abs(c.moved) >= 0.005)
        classes.push_back(fmt::format("{} {:+.2f}", c.name, c.moved));
    grid.rows.push_back({number.title, number.split, fmt::format("{:.2f}", number.here),
                         fmt::format("{:.2f}", number.there), fmt::format("{:+.2f}", number.here - number.there),
                         join(classes, ", ")});
  }
  return grid;
}

void add_sentence(std::vector<std::string>& sentences, const std::string& start,
                  const std::vector<std::string>& names) {
  if (!names.empty()) sentences.push_back(fmt::format("{}: {}.", start, join(names, ", ")));
}

// Leaves out folders inside another one of the list: predictions go with their network.
std::vector<std::string> outermost(const std::vector<std::string>& folders) {
  std::vector<std::string> outer;
  for (const auto& folder : folders)
    if (std::none_of(folders.begin(), folders.end(),
                     [&](const auto& other) { return folder.starts_with(other + "/"); }))
      outer.push_back(folder);
  return outer;
}

Shown shown_of(const RunDifference& d) {
  Shown shown{settings_grid(d), numbers_grid(d), {}, {}};
  std::vector<std::string> by_inputs, by_chance;
  for (const auto& piece : d.pieces) {
    if (!piece.changes.empty() && piece.inputs.empty()) continue;
    if (!piece.inputs.empty())
      by_inputs.push_back(fmt::format("{} ({})", piece.folder, join(piece.inputs, ", ")));
    else
      by_chance.push_back(fmt::format("{} ({} of {})", piece.folder, piece.other_files, piece.files));
  }
  add_sentence(shown.about_pieces, "Made from other inputs", by_inputs);
  add_sentence(shown.about_pieces, "Other files, with the same settings and inputs", by_chance);
  add_sentence(shown.about_pieces, "Only in " + d.here, outermost(d.pieces_here_only));
  add_sentence(shown.about_pieces, "Only in " + d.there, outermost(d.pieces_there_only));
  if (d.same_pieces > 0)
    shown.about_pieces.push_back(counted(d.same_pieces, "piece of work is", "pieces of work are") +
                                 " the same in both.");
  add_sentence(shown.about_numbers, "Only in " + d.here, d.numbers_here_only);
  add_sentence(shown.about_numbers, "Only in " + d.there, d.numbers_there_only);
  if (d.same_numbers > 0)
    shown.about_numbers.push_back(counted(d.same_numbers, "number is", "numbers are") + " the same in both.");
  return shown;
}

std::string sameness(const RunDifference& d) {
  return fmt::format("Nothing differs: {} and {} are the same in both.",
                     counted(d.same_pieces, "piece of work", "pieces of work"),
                     counted(d.same_numbers, "number", "numbers"));
}

std::string markdown_of(const std::string& title, const Grid& grid, const std::vector<std::string>& sentences) {
  std::string text = "## " + title + "\n\n";
  if (!grid.rows.empty()) text += markdown_table(grid.header, grid.rows) + "\n";
  for (const auto& sentence : sentences) text += sentence + "\n\n";
  return text;
}

std::string html_of(const std::string& title, const Grid& grid, const std::vector<std::string>& sentences,
                    size_t text_from) {
  std::string html = "<h3>" + title + "</h3>\n";
  if (!grid.rows.empty()) {
    html += "<div class=\"scroll\"><table><thead><tr>";
    const auto is_text = [&](size_t c) { return c >= text_from ? " class=\"text\"" : ""; };
    for (size_t c = 0; c < grid.header.size(); ++c)
      html += fmt::format("<th{}>{}</th>", is_text(c), escaped(grid.header[c]));
    html += "</tr></thead><tbody>\n";
    for (const auto& row : grid.rows) {
      html += fmt::format("<tr><th>{}</th>", escaped(row[0]));
      for (size_t c = 1; c < row.size(); ++c) html += fmt::format("<td{}>{}</td>", is_text(c), escaped(row[c]));
      html += "</tr>\n";
    }
    html += "</tbody></table></div>\n";
  }
  for (const auto& sentence : sentences) html += "<p class=\"sub\">" + escaped(sentence) + "</p>\n";
  return html;
}

}  // namespace

std::string markdown_of(const RunDifference& d) {
  const std::string title = fmt::format("# {} against {}\n\n", d.here, d.there);
  if (d.is_same()) return title + sameness(d) + "\n";
  const Shown shown = shown_of(d);
  return title + markdown_of("What differs", shown.settings, shown.about_pieces) +
         markdown_of("How the numbers moved", shown.numbers, shown.about_numbers);
}

std::string html_of(const RunDifference& d) {
  const std::string title = fmt::format("<section id=\"against\"><h2>Against {}</h2>\n", escaped(d.there));
  if (d.is_same()) return title + "<p>" + sameness(d) + "</p></section>\n";
  const Shown shown = shown_of(d);
  return title + html_of("What differs", shown.settings, shown.about_pieces, 1) +
         html_of("How the numbers moved", shown.numbers, shown.about_numbers, 5) + "</section>\n";
}

}  // namespace boxseg
