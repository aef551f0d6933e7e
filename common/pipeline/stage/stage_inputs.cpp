#include "common/pipeline/stage/stage_inputs.h"

#include "common/base/error.h"
#include "common/data/formats/coco/coco_result_ids.h"
#include "common/pipeline/stage/digest_cache.h"

namespace boxseg {
namespace {

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

}  // namespace

Digest init_digest(const std::string& path) { return DigestCache::shared().digest_of(path); }

Digest labels_digest(const Manifest& stage2) {
  Hasher hasher;
  for (const auto& output : stage2.outputs)
    if (starts_with(output.path, "Y_crf/") || starts_with(output.path, "Y_ret/"))
      hasher.text(output.path).text(output.digest);
  return hasher.digest();
}

Digest output_digest(const Manifest& manifest, const std::string& path) {
  for (const auto& output : manifest.outputs)
    if (output.path == path) return output.digest;
  fail_input("the manifest of {} lists no {}; run it again", manifest.program, path);
}

Inputs stage1_inputs(const Stage1Options& options, const Dataset& dataset) {
  Inputs inputs{{"dataset", dataset.digest(options.split, false)}};
  if (!options.init.empty()) inputs["init"] = init_digest(options.init);
  return inputs;
}

Inputs stage2_inputs(const Stage2Options& options, const Dataset& dataset, const Digest& checkpoint) {
  Inputs inputs{{"dataset", dataset.digest(options.split, options.true_masks == "keep")}, {"checkpoint", checkpoint}};
  if (!options.given_masks.empty())
    inputs["given_masks"] = labels_digest(read_manifest(fs::path(options.given_masks) / "manifest.h5"));
  add_result_ids(options, dataset, inputs);
  return inputs;
}

void add_result_ids(const Stage2Options& options, const Dataset& dataset, Inputs& inputs) {
  if (!options.instances.empty())
    inputs["result ids"] = digest_of_result_ids(coco_result_ids(dataset), dataset, options.split);
}

Inputs stage3_inputs(const Stage3Options& options, const Dataset& dataset, const Digest& labels) {
  const bool uses_masks = options.loss == "true_masks";
  Inputs inputs{{"dataset", dataset.digest(options.split, uses_masks)}};
  if (!uses_masks) inputs["labels"] = labels;
  if (!options.init.empty()) inputs["init"] = init_digest(options.init);
  return inputs;
}

Inputs predict_inputs(const PredictOptions& options, const Dataset& dataset, const Digest& checkpoint) {
  return {{"dataset", dataset.digest(options.split, false)}, {"checkpoint", checkpoint}};
}

}  // namespace boxseg
