#include <algorithm>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/visible_text.h"
#include "common/data/describe.h"
#include "common/data/formats/voc/voc.h"
#include "common/data/suspicious_boxes.h"
#include "common/runtime/parallel.h"
#include "data/box_sheet.h"
#include "data/commands.h"

namespace boxseg {
namespace {

// `prepare check FILE ...` and `prepare show FILE`: the file comes first, then options.
std::string take_file(int& argc, char**& argv, const char* command) {
  if (argc < 2 || argv[1][0] == '-') return "";
  std::string file = argv[1];
  if (file.empty()) fail_usage("prepare {}: the file name is empty", command);
  argv[1] = argv[0];
  --argc, ++argv;
  return file;
}

}  // namespace

int prepare_check(int argc, char** argv) {
  std::string data_root, sheet;
  Options options(prepare_info("check",
                               "Reads all images and masks of an index again and names those that are gone or changed.",
                               "check dataset.h5 --sheet boxes.jpg"));
  options.add("data-root", &data_root, "where the dataset's files are, if not where prepare found them", Role::run);
  options.add("sheet", &sheet,
              "JPEG to write: photographs in small with their boxes, those that look like mistakes first",
              Role::output);
  std::string file = take_file(argc, argv, "check");
  if (!options.parse(argc, argv)) return 0;
  if (file.empty()) file = options.check_file;
  if (file.empty()) fail_usage("prepare check: name an index, such as: prepare check dataset.h5");
  const Dataset dataset = read_dataset(file, data_root);
  if (!sheet.empty()) require_sheet(sheet, dataset);
  const auto faults = changed_files(dataset, resolve_threads(options.threads));
  for (const auto& fault : faults) std::printf("%s\n", printable(fault).c_str());
  if (!faults.empty()) fail_input("{}: {} of its files are gone or changed", file, faults.size());
  for (const auto& sentence : suspicious_boxes(dataset)) log_warning("{}", sentence);
  const auto undigested = std::count_if(dataset.images.begin(), dataset.images.end(),
                                        [](const ImageEntry& e) { return e.image_digest.empty(); });
  if (undigested > 0)
    log_info("{}: of {} images, which were indexed without their contents, the sizes were compared", file, undigested);
  log_info("{}: {} images{}, all as they were indexed; classes: {}", file, dataset.images.size(), copies_among(dataset),
           classes_with_boxes(dataset));
  if (!sheet.empty()) log_info("{}: {}", sheet, write_box_sheet(sheet, dataset, resolve_threads(options.threads)));
  return 0;
}

int prepare_show(int argc, char** argv) {
  Options options(prepare_info("show",
                               "Prints any artifact as text: index, manifest, attention shard, label map, checkpoint.",
                               "show dataset.h5"));
  const std::string file = take_file(argc, argv, "show");
  if (!options.parse(argc, argv)) return 0;
  if (file.empty()) fail_usage("prepare show: name a file, such as: prepare show dataset.h5");
  std::fputs(printable(describe_file(file)).c_str(), stdout);
  return 0;
}

}  // namespace boxseg
