#include <chrono>

#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/data/import_labels.h"
#include "common/pipeline/stage/dataset_flags.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/lock.h"
#include "common/runtime/parallel.h"
#include "data/commands.h"

namespace boxseg {

int prepare_labels(int argc, char** argv) {
  ImportLabelsOptions labels;
  DatasetFlags images("train");
  std::string y_crf, y_ret, output;
  Options options(
      prepare_info("labels", "Gives published or hand-made label maps a manifest, so that stage 3 learns from them.",
                   "labels --y-crf labels/Y_crf --y-ret labels/Y_ret --dataset dataset.h5 --output runs/own/stage2"));
  options.add("y-crf", &y_crf, "folder of label PNGs, ID.png for each image of the split", Role::input);
  options.add("y-ret", &y_ret, "the second set of labels; without it, losses that compare the two refuse", Role::input);
  images.declare(options, "images that the labels belong to");
  options.add("output", &output, "folder of Y_crf, Y_ret and manifest.h5", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    log_info("{}: whole, {} outputs", options.check_file, read_manifest(options.check_file).outputs.size());
    return 0;
  }
  require_given(y_crf, "y-crf");
  require_given(images.dataset, "dataset");
  require_given(output, "output");
  labels.split = images.split;
  labels.y_crf = y_crf;
  labels.y_ret = y_ret;
  labels.output = output;
  labels.threads = resolve_threads(options.threads);
  const auto start = std::chrono::steady_clock::now();
  const Dataset dataset = read_dataset(images.dataset, images.data_root, false);
  require_writable_directory(output);
  const FileLock lock(lock_of(fs::path(output) / "manifest.h5"));
  Manifest manifest = import_labels(labels, dataset);
  manifest.program = options.info().name;
  manifest.version = kVersion;
  manifest.fingerprint = options.info().fingerprint;
  manifest.options = options.resolved().values;
  manifest.device = "cpu";
  manifest.threads = labels.threads;
  manifest.seed = options.seed;
  manifest.wall_time_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  manifest.facts = {{"y-crf", y_crf}, {"y-ret", y_ret}, {kClassesFact, classes_fact(dataset.class_names)}};
  write_manifest(fs::path(output) / "manifest.h5", manifest);
  log_info("{}: {} label maps of split {}", output, manifest.outputs.size(), labels.split);
  return 0;
}

}  // namespace boxseg
