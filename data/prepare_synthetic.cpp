#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/data/synthetic.h"
#include "common/pipeline/stage/lock.h"
#include "common/runtime/parallel.h"
#include "data/commands.h"

namespace boxseg {

int prepare_synthetic(int argc, char** argv) {
  SyntheticOptions synthetic;
  std::string output;
  Options options(prepare_info("synthetic",
                               "Draws the synthetic dataset: a VOC folder with images, boxes and exact masks.",
                               "synthetic --output data/synthetic --images 300 --seed 0", "dataset"));
  options.add("images", &synthetic.images, "number of images; 2/3 train, 1/4 val, the rest test");
  options.add("classes", &synthetic.classes, "number of classes without background, 1 to 8");
  options.add("size-min", &synthetic.size_min, "smallest width and height in pixels");
  options.add("size-max", &synthetic.size_max, "largest width and height in pixels");
  options.add("output", &output, "folder to make", Role::output);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty())
    fail_usage("--check {}: index the folder with `prepare voc`, which checks every file", options.check_file);
  require_given(output, "output");
  if (options.seed < 0) fail_usage("--seed {}: expected 0 or more", options.seed);
  synthetic.seed = static_cast<uint64_t>(options.seed);
  synthetic.check();
  refuse_foreign_folder(output);
  const FileLock lock(lock_of(synthetic_marker(output)));
  write_synthetic(output, synthetic, resolve_threads(options.threads));
  log_info("{}: {} images; next: prepare voc --root {} --split train=train --split val=val --output dataset.h5", output,
           synthetic.images, output);
  return 0;
}

}  // namespace boxseg
