#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/pipeline/stage/fingerprints.h"
#include "common/pipeline/stage/sections.h"
#include "data/commands.h"

namespace boxseg {

ProgramInfo prepare_info(const std::string& command, const std::string& summary, const std::string& example,
                         const std::string& section) {
  return reads_presets({"prepare " + command, summary, "prepare " + example, section, kPrepareFingerprint});
}

bool answered_index_check(const Options& options) {
  if (options.check_file.empty()) return false;
  const Dataset dataset = read_dataset(options.check_file, {}, false);
  log_info("{}: whole, {} images", options.check_file, dataset.images.size());
  return true;
}

std::string copies_among(const Dataset& dataset) {
  return dataset.copies() == 0 ? "" : fmt::format(", {} of them smaller copies", dataset.copies());
}

std::string classes_with_boxes(const Dataset& dataset) {
  constexpr size_t kShown = 20;
  std::vector<int64_t> boxes(dataset.class_names.size());
  for (const auto& image : dataset.images)
    for (const Box& box : image.boxes) ++boxes[static_cast<size_t>(box.class_id)];
  std::vector<std::string> shown;
  for (size_t c = 1; c < std::min(boxes.size(), kShown + 1); ++c)
    shown.push_back(fmt::format("{} {} ({})", c, dataset.class_names[c],
                                boxes[c] == 0   ? "no box"
                                : boxes[c] == 1 ? "1 box"
                                                : fmt::format("{} boxes", boxes[c])));
  return join(shown, ", ") + (boxes.size() > kShown + 1 ? fmt::format(" and {} more", boxes.size() - kShown - 1) : "");
}

}  // namespace boxseg
