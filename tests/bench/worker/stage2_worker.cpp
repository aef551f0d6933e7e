// Runs stage 2 after the network, with features given: maps, CRF, labels, PNGs. Each round takes one photograph.
#include <c10/core/InferenceMode.h>

#include "common/io/label_png.h"
#include "common/labels/shard.h"
#include "common/networks/network.h"
#include "common/ops/tensor_runtime.h"
#include "stage2_pseudolabel/class_weights.h"
#include "stage2_pseudolabel/measure_features.h"
#include "stage2_pseudolabel/pseudo_label.h"
#include "tests/bench/worker/serve.h"
#include "tests/bench/worker/tensors.h"

namespace boxseg::bench {
namespace {

struct Photo {
  const ImageEntry* entry;
  RgbImage image;
  at::Tensor features;
};

void run(const Arguments& arguments) {
  constexpr int kThreads = 1;
  start_tensor_runtime(kThreads);
  const Dataset dataset = read_dataset(arguments[0], "");
  const ClassWeights weights = [&] {
    const LoadedNetwork loaded = load_network(arguments[1], at::kCPU);
    return match_classes(loaded.network->classifier_weight(), loaded.record, dataset.class_names, arguments[1]);
  }();
  const H5Reader input(arguments[2]);
  std::vector<Photo> photos;
  for (const int64_t i : images_of_shard(dataset, "photos", {})) {
    const ImageEntry& entry = dataset.images[static_cast<size_t>(i)];
    photos.push_back({&entry, read_rgb(dataset.image_path(entry)), read_tensor<float>(input, entry.id)});
  }
  const fs::path output = arguments[3];
  DenseCrf crf(CrfOptions(), kThreads);
  const c10::InferenceMode inference;
  size_t turn = 0;
  bool is_first = true;  // the first round is not counted, and takes the first photograph, too
  serve([&] {
    const Photo& photo = photos.at(turn % photos.size());
    const Geometry geometry = make_geometry(photo.entry->boxes, photo.entry->size, BoxConvention::reference);
    const FeatureMaps maps = measure_features(photo.features, geometry, weights, 1, kThreads);
    const PseudoLabels labels =
        make_pseudo_labels({}, geometry, photo.image, maps, photo.features, weights, crf, kThreads);
    write_label_png(output / y_crf_file(photo.entry->id), labels.y_crf);
    write_label_png(output / y_ret_file(photo.entry->id), labels.y_ret);
    if (!is_first) ++turn;
    is_first = false;
  });
}

const Verb verb("stage2", "DATASET CHECKPOINT FEATURES OUTPUT", 4, run);

}  // namespace
}  // namespace boxseg::bench
