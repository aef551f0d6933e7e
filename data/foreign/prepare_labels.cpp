#include <chrono>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/data/import_labels.h"
#include "common/labels/labelled_boxes.h"
#include "common/pipeline/stage/artifact_check.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/dataset_flags.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/lock.h"
#include "common/runtime/parallel.h"
#include "data/commands.h"
#include "data/foreign/foreign_masks.h"

namespace boxseg {
namespace {

struct LabelsOptions {
  std::string y_crf, y_ret, masks, on_bad_image = "fail", output;
  DatasetFlags images{"train"};
  void declare(Options& o) {
    o.add("y-crf", &y_crf, "folder of label PNGs, ID.png for each image of the split", Role::input);
    o.add("y-ret", &y_ret, "the second set of labels; without it, losses that compare the two refuse", Role::input);
    o.add("masks", &masks,
          "instead of these: masks of some of the images, for stage 2 to judge: a folder of label PNGs named as the "
          "images, or outlines in a format of boxes, told by content",
          Role::input);
    o.add_choice("on-bad-image", &on_bad_image, {"fail", "skip"}, "what to do with --masks that fail a check");
    images.declare(o, "images that the labels belong to");
    o.add("output", &output, "folder of Y_crf, Y_ret and manifest.h5", Role::output);
  }
  void check() const {
    if (masks.empty()) require_given(y_crf, "y-crf");
    if (!masks.empty() && !(y_crf + y_ret).empty()) fail_usage("--masks goes without --y-crf and --y-ret; see --help");
    require_given(images.dataset, "dataset");
    require_given(output, "output");
  }
};

Manifest import_folders(const LabelsOptions& o, const Dataset& dataset, int threads) {
  Manifest manifest = import_labels({o.images.split, o.y_crf, o.y_ret, o.output, threads}, dataset);
  manifest.facts = {{"y-crf", o.y_crf}, {"y-ret", o.y_ret}};
  return manifest;
}

// How a mask fits the boxes of its image.
struct Fit {
  int64_t empty_boxes = 0;           // without a pixel of their class
  int64_t pixels = 0, left_out = 0;  // of classes; those that lie in no box of theirs, and stage 2 leaves out
  bool loses_much() const { return 10 * left_out > pixels; }
};

Fit fit_of(const ImageEntry& image, BoxNumbers numbers, const LabelMap& labels) {
  const auto boxes = labelled_boxes(image, numbers, labels, {});
  Fit fit;
  for (size_t b = 0; b < boxes.masks.size(); ++b)
    fit.empty_boxes += boxes.masks[b].pixels == 0 && !image.boxes[b].is_crowd;
  for (size_t p = 0; p < labels.pixels.size(); ++p) {
    const bool is_class = labels.pixels[p] != 0 && labels.pixels[p] != 255;
    fit.pixels += is_class;
    fit.left_out += is_class && boxes.owners[p] < 0;
  }
  return fit;
}

// The sum over all images. Warns of masks that lose much, since a wrong number of a class looks like that.
Fit add_up(const std::vector<Fit>& fits, const std::vector<ForeignMap>& maps) {
  Fit sum;
  int64_t losing = 0;
  const ForeignMap* worst = nullptr;
  for (const ForeignMap& map : maps) {
    const Fit& fit = fits[static_cast<size_t>(map.image)];
    sum.empty_boxes += fit.empty_boxes;
    sum.pixels += fit.pixels;
    sum.left_out += fit.left_out;
    if (!fit.loses_much()) continue;
    ++losing;
    if (worst == nullptr || fit.left_out > fits[static_cast<size_t>(worst->image)].left_out) worst = &map;
  }
  if (worst != nullptr)
    log_warning(
        "{} of {} masks have more than a tenth of their pixels in no box of the pixels' class; these become "
        "background. "
        "The most: {} of {} in {}",
        losing, maps.size(), fits[static_cast<size_t>(worst->image)].left_out,
        fits[static_cast<size_t>(worst->image)].pixels, worst->file.string());
  return sum;
}

Manifest import_masks(const LabelsOptions& o, const Dataset& dataset, int threads) {
  refuse_overlap(o.output, "--output", o.masks, "--masks");
  const bool skips_bad = o.on_bad_image == "skip";
  const ForeignMasks masks(o.masks, dataset, skips_bad, threads);
  const auto& members = dataset.split(o.images.split);
  std::vector<Fit> fits(dataset.images.size());
  std::vector<ForeignMap> maps;
  for (const int64_t i : members) {
    if (!masks.has(i)) continue;
    const auto read = [&, i] {
      const ImageEntry& image = dataset.images[static_cast<size_t>(i)];
      LabelMap labels = masks.reader().read(masks.mask_of(i), image);
      require_map_of(image, labels, dataset.classes(), masks.reader().file_of(masks.mask_of(i)));
      fits[static_cast<size_t>(i)] = fit_of(image, dataset.box_numbers, labels);
      return labels;
    };
    maps.push_back({"Y_crf", i, masks.reader().file_of(masks.mask_of(i)), masks.reader().has_a_png_each(), read});
  }
  if (maps.empty()) fail_input("--masks {}: no image of split '{}' has a mask there", o.masks, o.images.split);
  Manifest manifest = import_maps(maps, dataset, o.output, threads, skips_bad);
  manifest.inputs["dataset"] = dataset.digest(o.images.split, false);
  const size_t without = members.size() - manifest.outputs.size();
  const Fit fit = add_up(fits, maps);
  manifest.facts = {{"masks", o.masks},
                    {"format of the masks", masks.reader().format()},
                    {"images without a mask", std::to_string(without)},
                    {"boxes without a mask", std::to_string(fit.empty_boxes)},
                    {"pixels in no box of their class", std::to_string(fit.left_out)}};
  if (without > 0 || fit.empty_boxes > 0)
    log_info("{} of {} images have no mask, and {} boxes of the others; stage 2 labels these itself", without,
             members.size(), fit.empty_boxes);
  return manifest;
}

}  // namespace

int prepare_labels(int argc, char** argv) {
  LabelsOptions o;
  Options options(
      prepare_info("labels",
                   "Gives published or hand-made label maps a manifest, so that stage 3 learns from them; or masks of "
                   "another tool, so that stage 2 takes them in place of its own (--given-masks).",
                   "labels --y-crf labels/Y_crf --y-ret labels/Y_ret --dataset dataset.h5 --output runs/own/stage2"));
  o.declare(options);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    if (answered_check(options.check_file, {})) return 0;
    fail_usage("--check {}: is neither a label PNG nor a manifest.h5", options.check_file);
  }
  o.check();
  const int threads = resolve_threads(options.threads);
  const auto start = std::chrono::steady_clock::now();
  const Dataset dataset = read_dataset(o.images.dataset, o.images.data_root, false);
  require_writable_directory(o.output);
  for (const char* kind : {"Y_crf", "Y_ret"})
    refuse_dataset_files(label_files(fs::path(o.output) / kind, dataset, o.images.split), "--output", dataset);
  const FileLock lock(lock_of(fs::path(o.output) / "manifest.h5"));
  Manifest manifest = o.masks.empty() ? import_folders(o, dataset, threads) : import_masks(o, dataset, threads);
  manifest.program = options.info().name;
  manifest.version = kVersion;
  manifest.fingerprint = options.info().fingerprint;
  manifest.options = options.resolved().values;
  manifest.device = "cpu";
  manifest.threads = threads;
  manifest.seed = options.seed;
  manifest.wall_time_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  manifest.facts[kClassesFact] = classes_fact(dataset.class_names);
  write_manifest(fs::path(o.output) / "manifest.h5", manifest);
  log_info("{}: {} label maps of split {}", o.output, manifest.outputs.size(), o.images.split);
  return 0;
}

}  // namespace boxseg
