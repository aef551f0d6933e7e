#include "stage2_pseudolabel/gone_labels.h"

#include "common/io/manifest.h"
#include "common/pipeline/stage/stage_options.h"

namespace boxseg {

std::set<std::string> listed_label_maps(const fs::path& output, const Shard& shard) {
  std::set<std::string> listed;
  for (const fs::path& path : {output / "manifest.h5", output / shard_manifest(shard)}) {
    const auto manifest = try_read_manifest(path);
    if (!manifest || manifest->program != stage2_info().name) continue;
    for (const auto& file : manifest->outputs)
      if (file.path.starts_with("Y_crf/") || file.path.starts_with("Y_ret/")) listed.insert(file.path);
  }
  return listed;
}

int64_t remove_gone_labels(const fs::path& output, const std::set<std::string>& listed, const Dataset& dataset,
                           const std::string& split, bool makes_y_ret) {
  std::set<std::string> made;
  for (const int64_t i : dataset.split(split)) {
    const std::string& id = dataset.images[static_cast<size_t>(i)].id;
    made.insert(y_crf_file(id));
    if (makes_y_ret) made.insert(y_ret_file(id));
  }
  int64_t removed = 0;
  std::error_code ignored;
  for (const auto& path : listed)
    if (!made.contains(path) && is_inside(path)) removed += fs::remove(output / path, ignored);
  return removed;
}

}  // namespace boxseg
