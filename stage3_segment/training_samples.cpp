#include "stage3_segment/training_samples.h"

#include <algorithm>
#include <cstring>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

RgbImage read_image(const Dataset& dataset, const ImageEntry& entry) {
  const fs::path path = dataset.image_path(entry);
  RgbImage image = read_rgb(path);
  if (image.height != entry.size.height || image.width != entry.size.width)
    fail_input("{}: is {}x{} pixels, the dataset says {}x{}; run prepare again", path.string(), image.width,
               image.height, entry.size.width, entry.size.height);
  return image;
}

// Decodes image and labels once, so that a damaged file is known before hours are spent. Returns "" or what is wrong.
std::string damage_of(const Dataset& dataset, const ImageEntry& entry, const TrainingLabels& labels) {
  try {
    if (std::string missing = labels.what_is_missing(entry); !missing.empty()) return missing;
    read_image(dataset, entry);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::bad_input) throw;
    return e.what();
  }
  return "";
}

}  // namespace

RgbImage picture_of(const LabelledSample& sample, int64_t crop, const Normalisation& normalisation,
                    const Palette& palette) {
  const RgbImage photo = denormalise(sample.image, crop, crop, normalisation);
  RgbImage image(crop, crop * static_cast<int64_t>(1 + sample.labels.size()));
  for (int64_t y = 0; y < crop; ++y) {
    auto to = std::copy_n(photo.pixels.begin() + y * crop * 3, crop * 3, image.pixels.begin() + y * image.width * 3);
    for (const auto& labels : sample.labels) {
      for (int64_t x = 0; x < crop; ++x) {
        const uint8_t label = labels[static_cast<size_t>(y * crop + x)];
        const Color& color = (label < palette.size() ? palette : voc_palette())[label];  // void has VOC's colour
        to = std::copy(color.begin(), color.end(), to);
      }
    }
  }
  return image;
}

TrainingSet select_training_images(const Dataset& dataset, const std::string& split, const TrainingLabels& labels,
                                   bool skips_bad, int threads) {
  const auto& all = dataset.split(split);
  std::vector<std::string> damage(all.size());
  // Without skips_bad only what costs nothing is looked at here; a damaged image ends the run when it is met.
  parallel_for(static_cast<int64_t>(all.size()), 16, threads, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const ImageEntry& entry = dataset.images[static_cast<size_t>(all[i])];
      damage[i] = skips_bad ? damage_of(dataset, entry, labels) : labels.what_is_missing(entry);
    }
  });
  TrainingSet set;
  for (size_t i = 0; i < all.size(); ++i) {
    if (damage[i].empty())
      set.images.push_back(all[i]);
    else if (skips_bad)
      set.skipped.push_back(damage[i]);
    else
      fail_input("{}; --on-bad-image skip leaves such images out", damage[i]);
  }
  if (set.images.empty()) fail_input("--split {}: no image of it can be learnt from", split);
  return set;
}

TrainingSamples::TrainingSamples(const Dataset& dataset, std::vector<int64_t> images, const TrainingLabels& labels,
                                 SampleOptions options)
    : dataset_(dataset),
      images_(std::move(images)),
      labels_(labels),
      options_(std::move(options)),
      order_(options_.seed, static_cast<int64_t>(images_.size()), options_.batch) {}

LabelledSample TrainingSamples::at(int64_t position) const {
  const auto place = order_.at(position);
  const ImageEntry& entry = dataset_.images[static_cast<size_t>(images_[static_cast<size_t>(place.image)])];
  std::vector<Sample::Plane> planes;
  for (auto& map : labels_.read(entry)) planes.push_back({std::move(map.pixels), options_.label_padding});
  LabelledSample out;
  out.key = stable_hash64(entry.id);
  // The draws go by position, not by epoch: an image that stands twice in one batch of a small dataset is cut
  // differently.
  Random random(options_.seed, "augment", static_cast<uint64_t>(position), out.key);
  const AugmentDraws draws = draw_augmentation(options_.augment, random);
  Sample sample = augmented(read_image(dataset_, entry), {}, std::move(planes), options_.augment.crop, draws);
  out.image = normalise(sample.image, sample.height, sample.width, options_.normalisation);
  for (auto& plane : sample.planes) out.labels.push_back(std::move(plane.pixels));
  return out;
}

TrainingBatch make_batch(const std::vector<LabelledSample>& samples, int64_t crop) {
  const auto count = static_cast<int64_t>(samples.size());
  TrainingBatch batch;
  batch.images = at::empty({count, 3, crop, crop}, at::kFloat);
  at::Tensor* const maps[] = {&batch.labels.label, &batch.labels.other};
  for (size_t m = 0; m < samples.at(0).labels.size(); ++m) *maps[m] = at::empty({count, crop, crop}, at::kByte);
  for (int64_t n = 0; n < count; ++n) {
    const LabelledSample& sample = samples[static_cast<size_t>(n)];
    std::copy(sample.image.begin(), sample.image.end(), batch.images.mutable_data_ptr<float>() + n * 3 * crop * crop);
    for (size_t m = 0; m < sample.labels.size(); ++m)
      std::copy(sample.labels[m].begin(), sample.labels[m].end(),
                maps[m]->mutable_data_ptr<uint8_t>() + n * crop * crop);
    batch.keys.push_back(sample.key);
  }
  return batch;
}

}  // namespace boxseg
