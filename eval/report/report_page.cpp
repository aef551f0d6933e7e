#include "eval/report/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/files.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/image.h"
#include "common/pipeline/plan/run_layout.h"
#include "common/pipeline/stage/stage_options.h"
#include "eval/report/charts.h"
#include "eval/report/html.h"
#include "eval/report/report_style.h"
#include "eval/report/run_difference_text.h"
#include "eval/report/score_section.h"
#include "eval/report/table_forms.h"

namespace boxseg {
namespace {

std::string training_section(const RunFolder& run) {
  std::string html;
  const bool has_plain =
      std::any_of(run.logs.begin(), run.logs.end(), [](const auto& log) { return !is_sibling(log.variant); });
  const auto is_shown = [&](const TrainingCurves& log) { return !has_plain || !is_sibling(log.variant); };
  for (const auto& [stage, title] :
       {std::pair{"stage1", "Stage 1, classifier"}, {"stage3", "Stage 3, segmentation network"}}) {
    std::vector<std::string> names;
    for (const auto& log : run.logs)
      for (const auto& [name, points] : log.values)
        if (log.stage == stage && is_shown(log) && std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(name);
    std::sort(names.begin(), names.end());
    const auto order = [](const std::string& name) { return name == "loss" ? 0 : name == "learning_rate" ? 2 : 1; };
    std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
    std::string charts;
    for (const auto& name : names) {
      LineChart chart{name, "step", {}, true, name != "learning_rate"};
      for (const auto& log : run.logs)
        if (log.stage == stage && is_shown(log) && log.values.contains(name))
          chart.lines.push_back({log.variant, log.values.at(name)});
      charts += line_chart(chart);
    }
    if (!charts.empty()) html += fmt::format("<h3>{}</h3><div class=\"charts\">\n{}</div>\n", title, charts);
  }
  return html.empty() ? "" : "<section id=\"training\"><h2>Training</h2>\n" + html + "</section>\n";
}

// Shows the tables that were asked for in this run, and in the run on COCO beside it.
std::string tables_section(const RunFolder& run) {
  std::map<std::string, std::string> shown;  // by name; where both runs have one, COCO's has the numbers
  for (const auto& table : run.tables) {
    const fs::path picture = run.path / "tables" / (table.name + ".png");
    const bool is_there = table.has_pictures && fs::exists(picture);
    shown[table.name] = html_of(fill_table(table, run), is_there ? std::optional(read_rgb(picture)) : std::nullopt);
  }
  const RunLayout coco{RunLayout{run.path}.on_coco()};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(coco.tables(), ignored)) {
    if (entry.path().extension() != ".txt") continue;
    const Table table = read_table(entry.path(), {});
    shown[table.name] = html_of(fill_table(table, open_run_of(table, coco.run)), std::nullopt);
  }
  std::string html;
  for (const auto& [name, text] : shown) html += text;
  return html.empty() ? ""
                      : "<section id=\"tables\"><h2>Tables and figures of the report</h2>\n" + html + "</section>\n";
}

std::string provenance_section(const RunFolder& run) {
  if (run.manifests.empty()) return "";
  std::string html =
      "<section id=\"made-by\"><h2>What ran</h2><div class=\"scroll\"><table><thead><tr><th>folder</th><th "
      "class=\"text\">program</th>"
      "<th>time</th><th class=\"text\">device</th><th>threads</th><th>seed</th><th>files</th><th "
      "class=\"text\">options</th></tr></thead><tbody>\n";
  for (const auto& [folder, m] : run.manifests) {
    std::string options;
    for (const auto& [name, value] : m.options) options += fmt::format("{} = {}\n", name, value);
    html += fmt::format(
        "<tr><th>{}</th><td class=\"text\">{} {} ({})</td><td>{}</td><td "
        "class=\"text\">{}</td><td>{}</td><td>{}</td><td>{}</td><td "
        "class=\"text\"><details><summary>{}</summary><pre>{}</pre></details></td></tr>\n",
        escaped(folder), escaped(m.program), escaped(m.version), escaped(m.fingerprint), format_duration(m.wall_time_s),
        escaped(m.device), m.threads, m.seed, m.outputs.size(), m.options.size(), escaped(options));
  }
  return html + "</tbody></table></div></section>\n";
}

// Of which images the labels were not made from the boxes alone.
std::string foreign_masks_note(const RunFolder& run, const std::string& split) {
  for (const auto& [folder, manifest] : run.manifests) {
    if (!folder.starts_with("stage2/") || !folder.ends_with("/" + split)) continue;
    const auto fact = [&facts = manifest.facts](const char* name) {
      const auto found = facts.find(name);
      return found == facts.end() ? std::string() : found->second;
    };
    const std::string given = fact(kGivenMasksFact), kept = fact(kTrueMasksFact), images = fact("images");
    std::vector<std::string> sentences;
    if (!given.empty())
      sentences.push_back(
          fmt::format("{} of {} images have masks of another tool as Y_crf, inside their boxes.", given, images));
    if (!kept.empty() && kept != "0")
      sentences.push_back(fmt::format(
          "{} of {} images keep their true mask as Y_crf and Y_ret, so that labels are not measured.", kept, images));
    if (!sentences.empty()) return fmt::format("<p>{}</p>\n", escaped(join(sentences, " ")));
  }
  return "";
}

std::string subtitle(const RunFolder& run) {
  if (!run.dataset) return "";
  std::vector<std::string> splits;
  for (const auto& [name, images] : run.dataset->splits) splits.push_back(fmt::format("{} {}", images.size(), name));
  return fmt::format("Dataset {}: {} classes with background; images: {}.", run.dataset->name, run.dataset->classes(),
                     join(splits, ", "));
}

bool is_of_own_photos(const RunFolder& run) { return run.dataset && run.dataset->facts.contains("boxes from"); }

// Links to what else people with photographs of their own want, where the page lies in the folder of its run.
std::string links_to_masks(const RunFolder& run, const fs::path& page_folder) {
  if (!is_of_own_photos(run) || fs::weakly_canonical(fs::absolute(page_folder)).parent_path() != run.path) return "";
  const RunLayout layout{run.path};
  std::string html;
  if (fs::exists(layout.masks()))
    html += "<a href=\"../masks/\">masks</a>: the masks, in the format of the boxes where that has masks. ";
  if (fs::exists(layout.review()))
    html += "<a href=\"../review.csv\">review.csv</a>: a line for each box, the most doubtful first.";
  return html.empty() ? "" : "<p>" + html + "</p>\n";
}

}  // namespace

std::string report_page(const RunFolder& run, const std::optional<RunFolder>& against, const GalleryOptions& gallery,
                        const fs::path& page_folder) {
  gallery.check();
  std::vector<std::string> notes = run.notes;
  const std::string pictures = gallery_html(run, gallery, notes);
  std::string html = fmt::format("<h1>{}</h1><p class=\"sub\">From boxes to masks. {}</p>\n", escaped(run.name),
                                 escaped(subtitle(run)));
  html += links_to_masks(run, page_folder) + foreign_masks_note(run, gallery.split) + score_tiles(run, gallery.split);
  if (against) html += html_of(difference_of(run, *against));
  const std::string numbers = tables_section(run) + scores_section(run, against, gallery.split) + training_section(run);
  // People with photographs of their own come for the masks, so that their page begins with the pictures.
  html += (is_of_own_photos(run) ? pictures + numbers : numbers + pictures) + provenance_section(run);
  if (!notes.empty()) {
    html += "<section id=\"notes\"><h2>Not shown</h2><ul class=\"notes\">\n";
    for (const auto& note : notes) html += "<li>" + escaped(note) + "</li>\n";
    html += "</ul></section>\n";
  }
  return html_document(run.name, html);
}

}  // namespace boxseg
