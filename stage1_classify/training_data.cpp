#include "stage1_classify/training_data.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/runtime/parallel.h"

namespace boxseg {
namespace {

RgbImage read_entry(const Dataset& dataset, const ImageEntry& entry) {
  const std::filesystem::path path = dataset.image_path(entry);
  RgbImage image = read_rgb(path);
  if (image.height != entry.size.height || image.width != entry.size.width)
    fail_input("{}: has {}x{} pixels, the dataset says {}x{}; run prepare again", path.string(), image.width,
               image.height, entry.size.width, entry.size.height);
  return image;
}

}  // namespace

RgbImage picture_of(const TrainingSample& sample, const Normalisation& normalisation, const Palette& palette) {
  RgbImage image = denormalise(sample.input, sample.height, sample.width, normalisation);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    if (sample.background[i / 3] == 0) image.pixels[i] /= 2;
  // Turns a position in -1..1 into a pixel of the crop; a box may end one pixel outside.
  const auto pixel = [](float position, int64_t size) {
    return std::clamp<int64_t>(std::lround((position + 1) * static_cast<float>(size - 1) / 2), 0, size - 1);
  };
  for (const NormalisedBox& box : sample.boxes) {
    const Color& color = palette.at(static_cast<size_t>(box.class_id));
    const int64_t x0 = pixel(box.x0, sample.width), x1 = pixel(box.x1, sample.width);
    const int64_t y0 = pixel(box.y0, sample.height), y1 = pixel(box.y1, sample.height);
    const auto paint = [&](int64_t y, int64_t x) {
      std::copy(color.begin(), color.end(), image.pixels.begin() + (y * sample.width + x) * 3);
    };
    for (int64_t x = x0; x <= x1; ++x) paint(y0, x), paint(y1, x);
    for (int64_t y = y0; y <= y1; ++y) paint(y, x0), paint(y, x1);
  }
  return image;
}

std::vector<int64_t> trainable_images(const Dataset& dataset, const std::string& split, bool skips_bad_images,
                                      int threads, std::vector<std::string>* skipped) {
  const std::vector<int64_t>& all = dataset.split(split);
  if (all.empty()) fail_usage("--split {}: holds no image", split);
  if (!skips_bad_images) return all;
  std::vector<std::string> reasons(all.size());
  Progress progress("look at images", static_cast<int64_t>(all.size()));
  parallel_for(static_cast<int64_t>(all.size()), 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      throw_if_interrupted();
      try {
        read_entry(dataset, dataset.images[static_cast<size_t>(all[static_cast<size_t>(i)])]);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::bad_input) throw;
        reasons[static_cast<size_t>(i)] = e.what();
      }
      progress.advance();
    }
  });
  std::vector<int64_t> usable;
  for (size_t i = 0; i < all.size(); ++i) {
    if (reasons[i].empty()) {
      usable.push_back(all[i]);
      continue;
    }
    log_warning("{}; skipped", reasons[i]);
    skipped->push_back(dataset.images[static_cast<size_t>(all[i])].id);
  }
  if (usable.empty())
    fail_input("none of the {} images of split {} can be read; run `prepare check`", all.size(), split);
  return usable;
}

TrainingData::TrainingData(const Dataset& dataset, std::vector<int64_t> images, const Stage1Options& options,
                           uint64_t seed, Normalisation normalisation)
    : dataset_(dataset),
      images_(std::move(images)),
      augment_(options),
      seed_(seed),
      normalisation_(std::move(normalisation)),
      order_(seed, static_cast<int64_t>(images_.size()), options.batch) {}

TrainingSample TrainingData::sample(int64_t position) const {
  const ShuffledOrder::Place place = order_.at(position);
  const ImageEntry& entry = dataset_.images[static_cast<size_t>(images_[static_cast<size_t>(place.image)])];
  const uint64_t key = stable_hash64(entry.id);
  Random random(seed_, "augment", static_cast<uint64_t>(place.epoch), key);
  const AugmentDraws draws = draw_augmentation(augment_, random);
  Sample::Plane background{background_mask(entry.boxes, entry.size, convention_for(dataset_, "reference")), 0};
  Sample sample = augmented(read_entry(dataset_, entry), entry.boxes, {std::move(background)}, augment_.crop, draws);
  TrainingSample result;
  result.image_key = key;
  result.height = sample.height;
  result.width = sample.width;
  result.input = normalise(sample.image, sample.height, sample.width, normalisation_);
  result.background = std::move(sample.planes[0].pixels);
  // A crowd box holds many objects of a class and a share of anything: it is not background, but no example either.
  std::erase_if(sample.boxes, [](const Box& box) { return box.is_crowd; });
  result.boxes = normalise_boxes(sample.boxes, {sample.height, sample.width});
  return result;
}

}  // namespace boxseg
