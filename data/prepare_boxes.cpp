#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/data/class_list.h"
#include "common/data/formats/box_reader.h"
#include "common/data/photos_with_boxes.h"
#include "common/data/suspicious_boxes.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/lock.h"
#include "common/runtime/parallel.h"
#include "data/box_sheet.h"
#include "data/commands.h"

namespace boxseg {
namespace {

struct BoxesOptions {
  std::string images, boxes, class_file, masks, copies, sheet, on_bad_image = "fail", name = "boxes", output;
  std::vector<std::string> class_names;
  double validation_share = 0;
  int64_t longest_side = 0;
  void declare(Options& o) {
    o.add("images", &images, "folder of the photographs, with folders in it", Role::input);
    o.add("boxes", &boxes, "file or folder of boxes: COCO, YOLO, CSV, LabelMe, CVAT or VOC XML, told by content",
          Role::input);
    o.add("classes", &class_file, "file with one class name a line: their order; default: what the boxes say",
          Role::input);
    o.add("class-names", &class_names, "class names in their order, instead of a file");
    o.add("validation-share", &validation_share,
          "share of the images for a split val, drawn by --seed, where the boxes come without splits");
    o.add("masks", &masks, "folder to write label PNGs to, of images all of whose boxes come with an outline",
          Role::output);
    o.add("sheet", &sheet, "JPEG to write: photographs in small with their boxes, as of prepare check", Role::output);
    o.add(
        "longest-side", &longest_side,
        "pixels; a photograph with a longer side is used as a smaller copy, exports are of its own size; 0: as it is");
    o.add("copies", &copies, "folder to write smaller copies to", Role::output);
    o.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"},
                 "what to do with images, or boxes of them, that fail a check");
    o.add("name", &name, "name of the dataset");
    o.add("output", &output, "index to write, such as dataset.h5", Role::output);
  }
  void check() const {
    require_given(images, "images");
    require_given(boxes, "boxes");
    require_given(output, "output");
    if (!class_file.empty() && !class_names.empty()) fail_usage("--classes and --class-names exclude each other");
    require_option(validation_share >= 0 && validation_share < 1, "validation-share", validation_share,
                   "at least 0 and less than 1");
    require_option(longest_side == 0 || longest_side >= 64, "longest-side", longest_side, "0, or 64 and more");
    if (longest_side > 0 && copies.empty())
      fail_usage("--longest-side {}: --copies is missing, the folder for smaller copies", longest_side);
  }
};

void report_join(const PhotosWithBoxesReport& report, const Dataset& dataset, const std::string& images) {
  for (const auto& doubt : report.doubts) log_warning("{}", doubt);
  for (const auto& sentence : suspicious_boxes(dataset)) log_warning("{}", sentence);
  for (const auto& lost : report.lost_boxes)
    log_warning("a box is left out, so its object counts as background: {}", lost);
  if (report.clipped_boxes > 0)
    log_warning("{} of {} boxes reach over the border and were clipped; the most: {}", report.clipped_boxes,
                report.boxes, report.most_clipped_box);
  if (report.photos_without_annotation > 0)
    log_warning("{}: {} photographs are named by no annotation and left out", images, report.photos_without_annotation);
  if (report.images_without_boxes > 0)
    log_warning("{} images have no box: all of each is background", report.images_without_boxes);
}

}  // namespace

int prepare_boxes(int argc, char** argv) {
  BoxesOptions o;
  Options options(prepare_info("boxes", "Indexes photographs and boxes of your own, and checks every file.",
                               "boxes --images photos --boxes boxes.json --output dataset.h5", "dataset"));
  o.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (answered_index_check(options)) return 0;
  o.check();
  const int threads = resolve_threads(options.threads);
  require_name_of(Format::hdf5, o.output);
  require_writable_file(o.output);
  if (!o.masks.empty()) require_writable_directory(o.masks);

  if (!o.masks.empty()) refuse_overlap(o.masks, "--masks", o.boxes, "--boxes");
  if (o.longest_side > 0) refuse_overlap(o.copies, "--copies", o.boxes, "--boxes");
  if (std::error_code ignored; !o.masks.empty() && fs::equivalent(o.masks, o.images, ignored))
    fail_usage("--masks {}: is the folder of the photographs; choose another", o.masks);

  BoxAnnotations annotations = read_boxes(o.boxes, threads);
  for (const auto& bad : annotations.bad_boxes) {
    if (o.on_bad_image != "skip")
      fail_input("{} ({} such boxes; --on-bad-image skip leaves them out)", bad, annotations.bad_boxes.size());
    log_warning("left out: {}", bad);
  }
  PhotosWithBoxesOptions join;
  join.images = o.images;
  join.boxes = o.boxes;
  if (!o.class_file.empty()) join.class_names = read_class_list(o.class_file);
  if (!o.class_names.empty()) join.class_names = with_background(o.class_names, "--class-names");
  join.validation_share = o.validation_share;
  join.seed = static_cast<uint64_t>(options.seed);
  join.masks = o.masks;
  join.longest_side = o.longest_side;
  if (o.longest_side > 0) join.copies = o.copies;
  join.skips_bad_images = o.on_bad_image == "skip";
  join.threads = threads;
  const FileLock lock(lock_of(o.output));
  PhotosWithBoxesReport report;
  Dataset dataset = join_photos_and_boxes(annotations, join, report);
  refuse_dataset_files({o.output}, "--output", dataset);
  refuse_inputs_among({o.output}, "--output", {o.boxes, o.class_file});
  if (!o.sheet.empty()) require_sheet(o.sheet, dataset);
  dataset.name = o.name;
  auto& facts = dataset.facts;
  facts = {{"program", options.info().name},
           {"fingerprint", options.info().fingerprint},
           {"boxes from", fs::absolute(o.boxes).lexically_normal().string()},
           {"format of the boxes", annotations.format},
           {"boxes clipped", std::to_string(report.clipped_boxes)},
           {"images left out", std::to_string(report.skipped.size())}};
  for (const auto& [key, value] : options.resolved().values) facts["option " + key] = value;
  for (size_t i = 0; i < report.skipped.size(); ++i) facts[fmt::format("left out {:06}", i + 1)] = report.skipped[i];
  for (size_t i = 0; i < report.lost_boxes.size(); ++i)
    facts[fmt::format("box left out {:06}", i + 1)] = report.lost_boxes[i];
  write_dataset(o.output, dataset);
  report_join(report, dataset, o.images);
  log_info("classes: {}", classes_with_boxes(dataset));
  log_info("{}: {} images{}, {} boxes, {} masks{}", o.output, dataset.images.size(), copies_among(dataset),
           report.boxes, report.images_with_mask,
           report.skipped.empty() ? "" : fmt::format(", {} images left out", report.skipped.size()));
  if (!o.sheet.empty()) log_info("{}: {}", o.sheet, write_box_sheet(o.sheet, dataset, threads));
  return 0;
}

}  // namespace boxseg
