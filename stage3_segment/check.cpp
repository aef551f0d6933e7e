#include <cstdio>

#include "common/base/error.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/training/trainer.h"
#include "stage3_segment/predict.h"
#include "stage3_segment/segmenter.h"

namespace boxseg {
namespace {

Digest digest_of_output(const fs::path& path) {
  if (path.extension() == ".png") return digest_of_labels(read_label_png(path));
  if (path.extension() == ".pt") return digest_of_checkpoint(read_checkpoint(path));
  return digest_of_file(path);
}

void check_manifest(const fs::path& path) {
  const Manifest manifest = read_manifest(path);
  for (const auto& output : manifest.outputs) {
    const fs::path file = fs::absolute(path).parent_path() / output.path;
    if (!fs::exists(file)) fail_input("{}: {} is missing; run {} again", path.string(), output.path, manifest.program);
    if (digest_of_output(file) != output.digest)
      fail_input("{}: {} is not what {} wrote; run it again", path.string(), output.path, manifest.program);
  }
  std::printf("%s: whole, %zu files\n", path.c_str(), manifest.outputs.size());
}

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
  if (path.extension() == ".h5") return check_manifest(path);
  if (path.filename() == kTrainingCheckpoint) {
    std::printf("%s: whole, after step %lld\n", path.c_str(), static_cast<long long>(check_training_checkpoint(path)));
    return;
  }
  if (path.extension() != ".png") return check_segmenter(path);
  const LabelMap labels = read_label_png(path);
  std::printf("%s: whole, %lld x %lld labels\n", path.c_str(), static_cast<long long>(labels.width),
              static_cast<long long>(labels.height));
}

}  // namespace boxseg
