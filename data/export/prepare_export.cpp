#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/data/formats/box_formats.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/dataset_flags.h"
#include "common/runtime/parallel.h"
#include "data/commands.h"
#include "data/export/exported_masks.h"

namespace boxseg {
namespace {

struct Writer {
  const char* format;
  const char* came_as;  // what `prepare boxes` calls it
  int64_t (*write)(const ExportOptions&);
  bool is_one_file;
};
constexpr Writer kWriters[] = {{"coco", "COCO JSON", export_coco, true},
                               {"labelme", "LabelMe", export_labelme, false},
                               {"yolo", "YOLO", export_yolo, false},
                               {"png", "", export_png, false}};

// "same": the format that the boxes came in; of one without masks (CSV, XML) label PNGs.
const Writer& writer_for(const std::string& format, const Dataset& dataset) {
  const auto came = dataset.facts.find("format of the boxes");
  for (const Writer& writer : kWriters)
    if (format == writer.format || (format == "same" && came != dataset.facts.end() && came->second == writer.came_as))
      return writer;
  return kWriters[std::size(kWriters) - 1];
}

constexpr const char* kListTitle = "# Files that boxseg exported into this folder";

// Removes what an earlier export into the folder wrote and this one did not: it would be taken for part of this one.
void forget_earlier(const ExportOptions& o) {
  const fs::path list = o.output / "exported.txt";
  std::error_code ignored;
  if (fs::exists(list)) {
    const auto lines = read_lines(read_file(list));
    if (lines.empty() || lines[0] != kListTitle)
      fail("{}: is no list of an earlier export, and would be replaced; choose another --output", list.string());
    for (size_t i = 1; i < lines.size(); ++i)
      if (o.files.count(lines[i]) == 0 && fs::path(lines[i]).is_relative() && lines[i].find("..") == std::string::npos)
        fs::remove(o.output / lines[i], ignored);
  }
  write_file(list, fmt::format("{}\n{}\n", kListTitle, fmt::join(o.files, "\n")));
}

}  // namespace

int prepare_export(int argc, char** argv) {
  DatasetFlags images("all");
  ExportOptions o;
  std::string labels, format = "same", instances = "per_box", output;
  Options options(prepare_info("export", "Writes masks of boxes as other tools read them.",
                               "export --dataset dataset.h5 --labels labels --output masks.json"));
  images.declare(options, "images to export");
  options.add("labels", &labels, "folder of stage 2, or of label PNGs, ID.png", Role::input);
  options.add_choice("format", &format, {"same", "coco", "labelme", "yolo", "png"},
                     "same: that of the boxes, or label PNGs where it has no masks");
  options.add_choice(
      "instances", &instances, {"per_box", "per_class"},
      "a mask for each box, or one for all pixels of a class in an image, for which coco has a new file");
  options.add("agreement", &o.is_agreement,
              "of label PNGs: 255, which other frameworks ignore, where Y_crf and Y_ret disagree");
  options.add("tolerance", &o.tolerance,
              "pixels of the image, or of its smaller copy, that outlines may lie beside the masks; 0: along each");
  options.add("output", &output, "JSON file of coco, else a folder", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) fail_usage("--check {}: read it with the tool that it is for", options.check_file);
  require_given(images.dataset, "dataset");
  require_given(labels, "labels");
  require_given(output, "output");
  require_option(o.tolerance >= 0 && o.tolerance <= 100, "tolerance", o.tolerance, "0 to 100");
  o.dataset = read_dataset(images.dataset, images.data_root, false);
  o.split = images.split;
  // A dataset of one split need not have it named.
  if (options.is_default("split") && !o.dataset.splits.contains(o.split) && o.dataset.splits.size() == 1)
    o.split = o.dataset.splits.begin()->first;
  o.labels = labels;
  o.threads = resolve_threads(options.threads);
  if (const auto from = box_files(o.dataset, o.split); !from.empty()) o.boxes = from[0];
  const Writer& writer = writer_for(format, o.dataset);
  if (writer.write == export_png && !options.is_default("instances"))
    fail_usage("--instances {}: label PNGs have classes and no objects; leave it out, or choose another --format",
               instances);
  if (writer.write != export_png && o.is_agreement)
    fail_usage("--agreement: goes with label PNGs, and {} has outlines; add --format png", writer.format);
  o.is_per_class = instances == "per_class";
  o.output = output;
  refuse_overlap(o.output, "--output", labels, "--labels");
  refuse_overlap(o.output, "--output", o.boxes, "the boxes");
  refuse_dataset_files(label_files(o.output, o.dataset, o.split), "--output", o.dataset);
  if (writer.is_one_file) {
    if (o.output.extension() != ".json") o.output /= "masks.json";
    require_writable_file(o.output);
  } else {
    require_writable_directory(o.output);
  }
  const int64_t count = writer.write(o);
  if (!writer.is_one_file) forget_earlier(o);
  log_info("{}: {} masks as {}", o.output.string(), count, writer.format);
  if (const int64_t all = boxes_to_export(o); !writer.is_one_file && !o.is_per_class && count < all)
    log_warning("{} of {} boxes have an empty mask, which {} has no form for: they are not in the files", all - count,
                all, writer.format);
  return 0;
}

}  // namespace boxseg
