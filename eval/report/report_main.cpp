// The program report makes one HTML page about a run.
#include <algorithm>
#include <cstdio>
#include <opencv2/core/utility.hpp>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/pipeline/plan/pending.h"
#include "common/pipeline/stage/brief_lock.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/sections.h"
#include "common/runtime/parallel.h"
#include "common/runtime/program.h"
#include "eval/report/output_folder.h"
#include "eval/report/picture_sheet.h"
#include "eval/report/report_page.h"
#include "eval/report/report_style.h"
#include "eval/report/run_difference_text.h"
#include "eval/report/table_forms.h"

namespace boxseg {
namespace {

struct TableRequest {
  std::string file, pending;
};

// Writes NAME.{md,csv,json,html}, and NAME.png of a table with pictures; prints the table, or while numbers are pending
// how many of them there are.
void make_table(const TableRequest& request, const fs::path& run_path, const fs::path& data_root,
                const fs::path& folder, const GalleryOptions& gallery) {
  const Table table = read_table(request.file, {});
  const bool is_in_progress = !request.pending.empty(), has_pictures = table.has_pictures && !is_in_progress;
  const fs::path base = folder / table.name;
  const auto file = [&](const char* extension) { return fs::path(base.string() + extension); };
  // Cells that are done at the same time show one table, and who writes last must have looked last.
  const BriefLock lock(folder / ("." + table.name + ".lock"));
  // Pending keys are read before the numbers; a number that comes in between is left out until the next look.
  const auto pending = is_in_progress ? read_pending(request.pending) : std::set<std::string>();
  const RunFolder run = has_pictures ? open_run(run_path, data_root) : open_run_of(table, run_path);
  const FilledTable filled = fill_table(table, run, pending);
  std::optional<RgbImage> picture;
  if (has_pictures) {
    picture = picture_sheet(table, run, 6, gallery.side, gallery.threads);
    write_rgb_png(file(".png"), *picture);
  }
  const std::string markdown = markdown_of(filled);
  write_file(file(".csv"), csv_of(filled));
  write_file(file(".json"), json_of(filled));
  write_file(file(".html"), html_page_of(filled, picture));
  write_file(file(".md"), markdown);
  if (!is_in_progress)
    std::printf("%s\n", printable(markdown).c_str());
  else
    std::printf("%s: %zu of %zu values, %s\n", table.name.c_str(), filled.values - filled.missing, filled.values,
                file(".md").c_str());
}

// A split that was asked for has to be there; else one is chosen of which there is something to show.
void choose_split(const Options& options, const RunFolder& run, std::string& split) {
  if (!options.is_default("split")) {
    if (run.dataset) run.dataset->split(split);  // throws usage with the known ones
    return;
  }
  std::vector<std::string> splits = splits_with_labels(run);
  if (splits.empty()) return;
  const auto usual = std::find(splits.begin(), splits.end(), split);
  if (usual != splits.end()) std::rotate(splits.begin(), usual, usual + 1);
  if (usual == splits.end() || splits.size() > 1)
    log_info("images of split {} are shown{}", splits[0],
             splits.size() > 1 ? "; --split shows those of " + join({splits.begin() + 1, splits.end()}, ", ") : "");
  split = splits[0];
}

int run(int argc, char** argv) {
  Options options(
      reads_presets({"report", "One HTML page with the numbers, curves and pictures of a run; it needs no network.",
                     "report --run runs/demo --output runs/demo/report", "report", kReportFingerprint}));
  std::string run_path, against_path, output, dataset, data_root;
  TableRequest table;
  GalleryOptions gallery;
  options.add("run", &run_path, "folder of the run, or one in which stages left their folders", Role::input);
  options.add("against", &against_path, "folder of another run: its numbers stand beside, and what differs is printed",
              Role::input);
  options.add("dataset", &dataset, "index made by prepare, if it is not the run's dataset.h5", Role::input);
  options.add("data-root", &data_root, "where the dataset's files are, if not where prepare found them", Role::run);
  options.add("output", &output, "folder of index.html, or of a table's files", Role::output);
  options.add("table", &table.file,
              "print this table of the run, and write it as Markdown, CSV, JSON and HTML, instead of the page",
              Role::input);
  options.add("pending", &table.pending, "with --table: leave out the numbers that plan lists here as still to come",
              Role::run);
  options.add("split", &gallery.split, "images to show");
  options.add("images", &gallery.images, "number of images to show, half of them the best");
  options.add("rank-by", &gallery.rank_by,
              "labels that order the images, such as stage3/nal/val/plain; default: Y_crf");
  options.add("picture-size", &gallery.side, "pixels of the longer side of a picture");
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    check_html_document(read_file(options.check_file), options.check_file);
    std::printf("%s: whole\n", options.check_file.c_str());
    return 0;
  }
  require_given(run_path, "run");
  require_given(output, "output");
  gallery.threads = resolve_threads(options.threads);
  gallery.check();
  cv::setNumThreads(1);  // images are the unit of parallel work
  const OutputFolder folder(output);

  if (!table.file.empty()) {
    make_table(table, run_path, data_root, output, gallery);
    return 0;
  }
  if (!table.pending.empty()) fail_usage("--pending goes with --table; see --help");
  const RunFolder found = open_run(run_path, data_root, dataset);
  choose_split(options, found, gallery.split);
  std::optional<RunFolder> against;
  if (!against_path.empty()) against = open_run(against_path, {});
  if (against) std::fputs(printable(markdown_of(difference_of(found, *against))).c_str(), stdout);
  const std::string html = report_page(found, against, gallery, output);
  const fs::path page = fs::path(output) / "index.html";
  write_file(page, html);
  log_info("{}: {:.1f} MB, {} rows of scores, {} training logs", page.string(), static_cast<double>(html.size()) / 1e6,
           found.scores.size(), found.logs.size());
  return 0;
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("report", argc, argv, boxseg::run); }
