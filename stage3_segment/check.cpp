#include <cstdio>

#include "common/base/error.h"
#include "common/io/manifest.h"
#include "common/pipeline/stage/artifact_check.h"
#include "common/training/checkpoint_check.h"
#include "stage3_segment/predict.h"
#include "stage3_segment/segmenter.h"

namespace boxseg {
namespace {

void check_segmenter(const fs::path& path) {
  const Segmenter segmenter = load_segmenter(path, at::kCPU);
  const auto manifest = try_read_manifest(fs::absolute(path).parent_path() / "manifest.h5");
  if (manifest)
    for (const auto& output : manifest->outputs)
      if (output.path == path.filename() && output.digest != segmenter.digest)
        fail_input("{}: is not what {} wrote; run it again", path.string(), manifest->program);
  const NetworkSpec& spec = segmenter.network->spec();
  std::printf("%s: whole, %s with head %s, %lld classes\n", path.c_str(), spec.backbone.c_str(), spec.head.c_str(),
              static_cast<long long>(spec.classes));
}

}  // namespace

void check_stage3_artifact(const fs::path& path) {
  if (answered_check(path, checkpoint_checks()) || answered_training_check(path)) return;
  check_segmenter(path);
}

}  // namespace boxseg
