#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/data/formats/coco/coco_dataset.h"
#include "common/data/suspicious_boxes.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/lock.h"
#include "common/runtime/parallel.h"
#include "data/commands.h"

namespace boxseg {
namespace {

struct CocoFlags {
  std::vector<std::string> splits, annotations, images;
  std::string masks, crowd_boxes = "keep", on_bad_image = "fail", name = "coco", output;
  bool skips_grayscale = false, skips_unannotated = false, checks_no_image = false;
  void declare(Options& o) {
    o.add_repeated("split", &splits,
                   "name of a split, repeatable; the first has the first --annotations and --images, and so on");
    o.add_repeated("annotations", &annotations, "file of instances, such as instances_train2017.json, for each split",
                   Role::input);
    o.add_repeated("images", &images, "folder of its photographs for each split, or one for all", Role::input);
    o.add("skip-grayscale", &skips_grayscale, "leave out photographs of one channel, as the report does");
    o.add("skip-unannotated", &skips_unannotated, "leave out images without a box, as the report does");
    o.add_choice("crowd-boxes", &crowd_boxes, {"keep", "drop"},
                 "keep: boxes of crowds are labelled, and no examples for stage 1; drop: they count as background");
    o.add("masks", &masks,
          "folder to write label PNGs to, of images all of whose annotations have outlines: the smaller object on top, "
          "crowds void; for mIoU",
          Role::output);
    o.add("no-image-check", &checks_no_image, "trust the annotated sizes, and touch no photograph");
    o.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"},
                 "what to do with images, or boxes of them, that fail a check");
    o.add("name", &name, "name of the dataset");
    o.add("output", &output, "index to write, such as dataset.h5", Role::output);
  }
  void check() const {
    if (splits.empty()) fail_usage("--split is missing: name at least one, such as --split train");
    if (annotations.size() != splits.size())
      fail_usage("{} times --annotations for {} times --split; give one for each, in the same order",
                 annotations.size(), splits.size());
    if (images.size() != splits.size() && images.size() != 1)
      fail_usage("{} times --images for {} times --split; give one for each, in the same order, or one for all",
                 images.size(), splits.size());
    for (size_t i = 0; i < splits.size(); ++i)
      if (splits[i].empty() || std::count(splits.begin(), splits.end(), splits[i]) > 1)
        fail_usage("--split '{}': is empty, or stands twice", splits[i]);
    require_given(output, "output");
    if (checks_no_image && skips_grayscale)
      fail_usage("--skip-grayscale looks at photographs, and --no-image-check at none; leave one of them out");
  }
  CocoDatasetOptions options(int threads) const {
    CocoDatasetOptions o;
    for (size_t i = 0; i < splits.size(); ++i)
      o.splits.push_back({splits[i], annotations[i], images[images.size() == 1 ? 0 : i]});
    o.keeps_crowds = crowd_boxes == "keep";
    o.skips_grayscale = skips_grayscale;
    o.skips_unannotated = skips_unannotated;
    o.looks_at_images = !checks_no_image;
    o.masks = masks;
    o.skips_bad_images = on_bad_image == "skip";
    o.threads = threads;
    return o;
  }
};

// The report counts train2017 without images of one channel and such without annotation.
std::string beside_the_report(const CocoSplitReport& split) {
  constexpr int64_t kTrain2017 = 118'287;
  return split.annotated == kTrain2017 ? "; the report has 117,040 of train2017" : "";
}

void tell_splits(const CocoDatasetOptions& options, const CocoDatasetReport& report) {
  for (size_t i = 0; i < report.splits.size(); ++i) {
    const CocoSplitReport& split = report.splits[i];
    std::vector<std::string> left_out;
    if (options.skips_unannotated) left_out.push_back(fmt::format("{} without a box", split.unannotated));
    if (options.skips_grayscale) left_out.push_back(fmt::format("{} of one channel", split.grayscale));
    if (split.skipped > 0) left_out.push_back(fmt::format("{} bad ones", split.skipped));
    log_info("{}: {} of {} images stay{}{}", options.splits[i].name, split.indexed, split.annotated,
             left_out.empty() ? "" : " (without " + join(left_out, ", ") + ")", beside_the_report(split));
  }
}

void tell_doubts(const CocoDatasetReport& report, const Dataset& dataset) {
  constexpr size_t kMostShown = 10;
  for (const auto& doubt : report.doubts) log_warning("{}", doubt);
  for (const auto& sentence : suspicious_boxes(dataset)) log_warning("{}", sentence);
  const auto& lost = report.lost_boxes;
  for (size_t i = 0; i < std::min(kMostShown, lost.size()); ++i)
    log_warning("a box is left out, so its object counts as background: {}", lost[i]);
  if (lost.size() > kMostShown)
    log_warning("{} more boxes are left out, listed in the index", lost.size() - kMostShown);
  if (report.clipped.count > 0)
    log_warning("{} of {} boxes reach over the border and were clipped; the most: {}", report.clipped.count,
                report.boxes, report.clipped.most);
  if (report.images_without_boxes > 0)
    log_warning("{} images have no box: all of each is background; --skip-unannotated leaves them out",
                report.images_without_boxes);
}

void add_facts(const Options& options, const CocoDatasetOptions& coco, const CocoDatasetReport& report,
               Dataset& dataset) {
  auto& facts = dataset.facts;
  facts = {{"program", options.info().name},
           {"fingerprint", options.info().fingerprint},
           {"format of the boxes", "COCO JSON"},
           {"boxes clipped", std::to_string(report.clipped.count)},
           {"boxes of crowds", std::to_string(report.crowds)},
           {"images left out", std::to_string(report.skipped.size())}};
  for (const CocoSplit& split : coco.splits) {
    const std::string from = fs::absolute(split.annotations).lexically_normal().string();
    facts[coco.splits.size() == 1 ? "boxes from" : "boxes from " + split.name] = from;
  }
  for (size_t i = 0; i < report.splits.size(); ++i) {
    facts["images without a box left out of " + coco.splits[i].name] = std::to_string(report.splits[i].unannotated);
    facts["images of one channel left out of " + coco.splits[i].name] = std::to_string(report.splits[i].grayscale);
  }
  for (const auto& [key, value] : options.resolved().values) facts["option " + key] = value;
  for (size_t i = 0; i < report.skipped.size(); ++i) facts[fmt::format("left out {:06}", i + 1)] = report.skipped[i];
  for (size_t i = 0; i < report.lost_boxes.size(); ++i)
    facts[fmt::format("box left out {:06}", i + 1)] = report.lost_boxes[i];
}

}  // namespace

int prepare_coco(int argc, char** argv) {
  CocoFlags flags;
  Options options(prepare_info(
      "coco", "Indexes COCO 2017, or files like it: instances_*.json and folders of photographs.",
      "coco --split train --annotations coco/annotations/instances_train2017.json --images coco/train2017 --split val "
      "--annotations coco/annotations/instances_val2017.json --images coco/val2017 --output dataset.h5",
      "dataset"));
  flags.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (answered_index_check(options)) return 0;
  flags.check();
  const CocoDatasetOptions coco = flags.options(resolve_threads(options.threads));
  require_name_of(Format::hdf5, flags.output);
  require_writable_file(flags.output);
  for (const CocoSplit& split : coco.splits) {
    refuse_inputs_among({flags.output}, "--output", {split.annotations});
    if (coco.masks.empty()) continue;
    refuse_overlap(coco.masks, "--masks", split.annotations, "--annotations");
    if (std::error_code ignored; fs::equivalent(coco.masks, split.images, ignored))
      fail_usage("--masks {}: is the folder of the photographs; choose another", coco.masks.string());
  }
  if (!coco.masks.empty()) require_writable_directory(coco.masks, "--masks");
  const FileLock lock(lock_of(flags.output));
  CocoDatasetReport report;
  Dataset dataset = index_coco(coco, report);
  refuse_dataset_files({flags.output}, "--output", dataset);
  dataset.name = flags.name;
  add_facts(options, coco, report, dataset);
  write_dataset(flags.output, dataset);
  tell_doubts(report, dataset);
  log_info("classes: {}", classes_with_boxes(dataset));
  tell_splits(coco, report);
  log_info("{}: {} images, {} boxes{}, {} masks", flags.output, dataset.images.size(), report.boxes,
           report.crowds > 0 ? fmt::format(" ({} of crowds)", report.crowds) : "", report.images_with_mask);
  return 0;
}

}  // namespace boxseg
