#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/data/class_list.h"
#include "common/data/formats/voc/voc.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/lock.h"
#include "common/runtime/parallel.h"
#include "data/commands.h"

namespace boxseg {
namespace {

// An index over a file of the folder that it indexes would be the end of that file.
void refuse_voc_files(const fs::path& output, const VocOptions& voc, const Dataset& dataset) {
  refuse_dataset_files({output}, "--output", dataset);
  std::vector<fs::path> others = {voc.root / "classes.txt"};
  for (const auto& [split, list] : voc.splits)
    for (const auto& folder : {fs::path(), voc.root, voc.root / "ImageSets" / "Segmentation"})
      for (const char* suffix : {"", ".txt"}) others.push_back(folder / (list + suffix));
  for (const auto& image : dataset.images) others.push_back(voc.root / "Annotations" / (image.id + ".xml"));
  refuse_inputs_among({output}, "--output", others);
}

}  // namespace

int prepare_voc(int argc, char** argv) {
  VocOptions voc;
  std::string root, output, class_file, on_bad_image = "fail", name = "voc";
  std::vector<std::string> splits, class_names;
  Options options(
      prepare_info("voc", "Indexes a VOC folder (JPEGImages, Annotations, lists, masks) and checks every file.",
                   "voc --root VOC2012 --split train=train_aug --split val=val --output dataset.h5", "dataset"));
  options.add("root", &root, "folder with JPEGImages and Annotations", Role::input);
  options.add_repeated("split", &splits, "NAME=LIST, repeatable; LIST is a file, or a name in ImageSets/Segmentation");
  options.add("classes", &class_file,
              "file with one class name a line, in the order of label values; default: classes.txt of the folder, else "
              "VOC's 21",
              Role::input);
  options.add("class-names", &class_names, "class names in the order of label values, instead of a file");
  options.add(
      "masks", &voc.masks,
      "folder of ground-truth label PNGs or SBD's .mat files (cls), or none; default: SegmentationClassAug, else "
      "SegmentationClass");
  options.add("without-boxes", &voc.without_boxes, "splits whose images need no annotation (a test set)");
  options.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"},
                     "what to do with images, or boxes of them, that fail a check");
  options.add("name", &name, "name of the dataset");
  options.add("output", &output, "index to write, such as dataset.h5", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (answered_index_check(options)) return 0;
  require_given(root, "root");
  require_given(output, "output");
  if (!class_file.empty() && !class_names.empty()) fail_usage("--classes and --class-names exclude each other");
  for (const auto& split : splits) {
    const size_t equals = split.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == split.size())
      fail_usage("--split {}: expected NAME=LIST, such as train=train", split);
    voc.splits.emplace_back(trim(split.substr(0, equals)), trim(split.substr(equals + 1)));
  }
  voc.root = root;
  if (!class_file.empty()) voc.class_names = read_class_list(class_file);
  if (!class_names.empty()) voc.class_names = with_background(class_names, "--class-names");
  voc.skips_bad_images = on_bad_image == "skip";
  voc.threads = resolve_threads(options.threads);
  require_name_of(Format::hdf5, output);
  require_writable_file(output);
  const FileLock lock(lock_of(output));
  VocReport report;
  Dataset dataset = index_voc(voc, report);
  refuse_voc_files(output, voc, dataset);
  dataset.name = name;
  auto& facts = dataset.facts;
  facts = {{"program", options.info().name},
           {"fingerprint", options.info().fingerprint},
           {"classes from", report.class_source},
           {"masks from", report.mask_folder.empty() ? "none" : report.mask_folder},
           {"boxes clipped", std::to_string(report.clipped_boxes)},
           {"boxes difficult", std::to_string(report.difficult_boxes)},
           {"images left out", std::to_string(report.skipped.size())}};
  for (const auto& [key, value] : options.resolved().values) facts["option " + key] = value;
  for (size_t i = 0; i < report.skipped.size(); ++i) facts[fmt::format("left out {:06}", i + 1)] = report.skipped[i];
  if (!report.lost_boxes.empty()) facts["boxes left out"] = std::to_string(report.lost_boxes.size());
  for (size_t i = 0; i < report.lost_boxes.size(); ++i)
    facts[fmt::format("box left out {:06}", i + 1)] = report.lost_boxes[i];
  write_dataset(output, dataset);
  log_info("classes from {}: {}", report.class_source, classes_with_boxes(dataset));
  for (const auto& doubt : report.doubts) log_warning("{}", doubt);
  if (report.clipped_boxes > 0)
    log_warning("{} of {} boxes reach over the border and were clipped; the most: {}", report.clipped_boxes,
                report.boxes, report.most_clipped_box);
  if (report.images_without_boxes > 0) log_warning("{} images have no box", report.images_without_boxes);
  log_info("{}: {} images, {} boxes, {} masks{}", output, dataset.images.size(), report.boxes, report.images_with_mask,
           report.skipped.empty() ? "" : fmt::format(", {} images left out", report.skipped.size()));
  return 0;
}

}  // namespace boxseg
