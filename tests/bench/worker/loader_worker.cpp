// Makes stage 1's training samples from JPEGs, one after the other.
#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/io/hdf5.h"
#include "stage1_classify/training_data.h"
#include "tests/bench/worker/serve.h"

namespace boxseg::bench {
namespace {

constexpr uint64_t kSeed = 5;

// Writes what TrainingData draws for each position, for those who cannot draw it themselves.
void write_draws(const fs::path& path, const Dataset& dataset, const std::vector<int64_t>& images,
                 const Stage1Options& options) {
  const ShuffledOrder order(kSeed, static_cast<int64_t>(images.size()), options.batch);
  std::vector<std::string> ids;
  std::vector<double> draws;
  for (size_t position = 0; position < images.size(); ++position) {
    const ShuffledOrder::Place place = order.at(static_cast<int64_t>(position));
    const ImageEntry& entry = dataset.images[static_cast<size_t>(images[static_cast<size_t>(place.image)])];
    Random random(kSeed, "augment", static_cast<uint64_t>(place.epoch), stable_hash64(entry.id));
    const AugmentDraws d = draw_augmentation(AugmentOptions(), random);
    ids.push_back(entry.id);
    draws.insert(draws.end(), {d.scale, d.crop_x, d.crop_y, d.is_flipped ? 1.0 : 0.0, d.jitter.brightness,
                               d.jitter.contrast, d.jitter.saturation});
  }
  H5Writer file(path);
  file.write_strings("ids", ids);
  file.write<double>("draws", draws, {static_cast<int64_t>(ids.size()), 7});
  file.close_and_commit();
}

void write_samples(const fs::path& path, const TrainingData& data, int64_t count) {
  std::vector<float> images, boxes;
  std::vector<uint8_t> background;
  int64_t height = 0, width = 0;
  for (int64_t position = 0; position < count; ++position) {
    const TrainingSample sample = data.sample(position);
    images.insert(images.end(), sample.input.begin(), sample.input.end());
    background.insert(background.end(), sample.background.begin(), sample.background.end());
    for (const NormalisedBox& b : sample.boxes)
      boxes.insert(boxes.end(), {b.x0, b.y0, b.x1, b.y1, static_cast<float>(b.class_id)});
    height = sample.height, width = sample.width;
  }
  H5Writer file(path);
  file.write<float>("images", images, {count, 3, height, width});
  file.write<float>("boxes", boxes, {static_cast<int64_t>(boxes.size()) / 5, 5});
  file.write<uint8_t>("background", background, {count, height, width});
  file.close_and_commit();
}

void run(const Arguments& arguments) {
  const Dataset dataset = read_dataset(arguments[0], "");
  const std::vector<int64_t> images = dataset.split("photos");
  const auto count = static_cast<int64_t>(images.size());
  const Stage1Options options;
  write_draws(arguments[1], dataset, images, options);
  const TrainingData data(dataset, images, options, kSeed, parse_normalisation("caffe_bgr"));
  serve([&] {
    for (int64_t position = 0; position < count; ++position) data.sample(position);
  });
  write_samples(arguments[2], data, count);
}

const Verb verb("loader", "DATASET DRAWS OUTPUT", 3, run);

}  // namespace
}  // namespace boxseg::bench
