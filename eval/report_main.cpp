// report: one HTML page about a run.
#include <cstdio>
#include <opencv2/core/utility.hpp>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/parallel.h"
#include "common/pipeline/fingerprints.h"
#include "eval/picture_sheet.h"
#include "eval/report_page.h"
#include "eval/table_values.h"

namespace boxseg {
namespace {

void write_table(const FilledTable& table, const fs::path& folder) {
  const std::string markdown = markdown_of(table);
  write_file(folder / (table.table.name + ".md"), markdown);
  write_file(folder / (table.table.name + ".csv"), csv_of(table));
  write_file(folder / (table.table.name + ".json"), json_of(table));
  std::printf("%s\n", markdown.c_str());
}

int run(int argc, char** argv) {
  Options options({"report", "One HTML page with the numbers, curves and pictures of a run; it needs no network.",
                   "report --run runs/demo --output runs/demo/report", "report", kReportFingerprint});
  std::string run_path, against_path, output, data_root, table;
  GalleryOptions gallery;
  options.add("run", &run_path, "folder of the run", Role::input);
  options.add("against", &against_path, "folder of another run whose numbers stand beside", Role::input);
  options.add("data-root", &data_root, "where the dataset's files are, if not where prepare found them", Role::run);
  options.add("output", &output, "folder of index.html, or of a table's files", Role::run);
  options.add("table", &table, "print this table of the run, and write it as Markdown, CSV and JSON, instead of the page", Role::input);
  options.add("split", &gallery.split, "images to show");
  options.add("images", &gallery.images, "number of images to show, half of them the best");
  options.add("rank-by", &gallery.rank_by, "labels that order the images, such as stage3/nal/val/plain; default: Y_crf");
  options.add("picture-size", &gallery.side, "pixels of the longer side of a picture");
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    check_report(read_file(options.check_file), options.check_file);
    std::printf("%s: whole\n", options.check_file.c_str());
    return 0;
  }
  if (run_path.empty()) fail_usage("--run is missing; see --help");
  if (output.empty()) fail_usage("--output is missing; see --help");
  gallery.threads = resolve_threads(options.threads);
  gallery.check();
  cv::setNumThreads(1);  // images are the unit of parallel work
  require_writable_directory(output);

  const RunFolder found = open_run(run_path, data_root);
  if (!table.empty()) {
    const FilledTable filled = fill_table(read_table(table, {}), found);
    if (filled.table.has_pictures)
      write_rgb_png(fs::path(output) / (filled.table.name + ".png"), picture_sheet(filled.table, found, 6, gallery.side, gallery.threads));
    write_table(filled, output);
    return 0;
  }
  std::optional<RunFolder> against;
  if (!against_path.empty()) against = open_run(against_path, {});
  const std::string html = report_page(found, against, gallery);
  const fs::path page = fs::path(output) / "index.html";
  write_file(page, html);
  log_info("{}: {:.1f} MB, {} rows of scores, {} training logs", page.string(), static_cast<double>(html.size()) / 1e6,
           found.scores.size(), found.logs.size());
  return 0;
}

}  // namespace
}  // namespace boxseg

int main(int argc, char** argv) { return boxseg::run_program("report", argc, argv, boxseg::run); }
