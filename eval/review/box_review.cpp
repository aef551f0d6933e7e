#include "eval/review/box_review.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/boxes.h"
#include "common/io/resized.h"
#include "common/labels/attention_file.h"
#include "common/labels/labelled_boxes.h"
#include "common/labels/shard.h"
#include "common/runtime/parallel.h"
#include "eval/review/box_signs.h"

namespace boxseg {
namespace {

constexpr double kEmpty = 0.05, kSparse = 0.2, kOverfull = 0.95;
constexpr double kOdd = 3;  // standard deviations, of five signs together

std::string class_of(const Dataset& dataset, const ReviewedBox& b) {
  const ImageEntry& image = dataset.images[static_cast<size_t>(b.image)];
  return dataset.class_names[static_cast<size_t>(image.boxes[static_cast<size_t>(b.box)].class_id)];
}

}  // namespace

const char* name_of(Remark remark) {
  switch (remark) {
    case Remark::empty:
      return "empty";
    case Remark::sparse:
      return "sparse";
    case Remark::overfull:
      return "overfull";
    default:
      return "";
  }
}

Remark ReviewedBox::remark() const {
  const double filled = mask.filled();
  return filled < kEmpty      ? Remark::empty
         : filled < kSparse   ? Remark::sparse
         : filled > kOverfull ? Remark::overfull
                              : Remark::none;
}

bool ReviewedBox::is_odd() const { return oddness > kOdd; }

std::string review_words(Remark remark, bool is_odd) {
  const std::string of_mask = name_of(remark);
  return of_mask + (!of_mask.empty() && is_odd ? ", " : "") + (is_odd ? "odd box" : "");
}

double ReviewedBox::urgency() const {
  const Remark what = remark();
  const double of_mask = what == Remark::empty ? 3 : what == Remark::sparse ? 2 : 0;
  return oddness + of_mask - 0.01 * mask.filled();
}

namespace {

// The signs of an image's boxes, as far as shards and photograph are there.
std::vector<BoxSigns> signs_of(const Dataset& dataset, const ImageEntry& image, const AttentionShards& shards) {
  std::vector<BoxSigns> signs(image.boxes.size());
  if (image.boxes.empty()) return signs;
  const SmallImage small(image.size, pixel_boxes(image.boxes, image.size, exact_convention(dataset.box_numbers)));
  if (shards.state_of(image) == AttentionShards::State::there)
    add_signs_of_features(shards.read(image), classes_of(image.boxes), small, signs);
  if (const fs::path photograph = dataset.image_path(image); fs::exists(photograph))
    add_signs_of_photograph(resized(read_rgb(photograph), small.size), small, signs);
  return signs;
}

std::vector<fs::path> shards_in(const fs::path& labels) {
  std::vector<fs::path> files;
  for (const Shard& shard : find_shard_manifests(labels))
    if (fs::exists(labels / shard_file(shard))) files.push_back(labels / shard_file(shard));
  return files;
}

}  // namespace

std::vector<ReviewedBox> review_boxes(const Dataset& dataset, const std::string& split, const fs::path& labels,
                                      int threads) {
  const auto& members = dataset.split(split);
  const AttentionShards shards(shards_in(labels));
  std::vector<std::vector<ReviewedBox>> of_image(members.size());
  std::vector<std::vector<BoxSigns>> signs_of_image(members.size());
  parallel_for(static_cast<int64_t>(members.size()), 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t index = members[static_cast<size_t>(n)];
      const ImageEntry& image = dataset.images[static_cast<size_t>(index)];
      const LabelMap y_crf = read_labels_of(labels / y_crf_file(image.id), image);
      const auto masks = labelled_boxes(image, dataset.box_numbers, y_crf, read_y_ret(labels, image)).masks;
      const auto signs = signs_of(dataset, image, shards);
      for (size_t b = 0; b < masks.size(); ++b) {
        if (image.boxes[b].is_crowd) continue;
        of_image[static_cast<size_t>(n)].push_back({index, static_cast<int64_t>(b), masks[b]});
        signs_of_image[static_cast<size_t>(n)].push_back(signs[b]);
      }
    }
  });
  std::vector<ReviewedBox> all;
  std::vector<BoxSigns> signs;
  for (size_t n = 0; n < of_image.size(); ++n) {
    all.insert(all.end(), of_image[n].begin(), of_image[n].end());
    signs.insert(signs.end(), signs_of_image[n].begin(), signs_of_image[n].end());
  }
  const std::vector<double> odd = oddness(signs);
  for (size_t i = 0; i < all.size(); ++i) all[i].oddness = odd[i];
  std::stable_sort(all.begin(), all.end(),
                   [](const ReviewedBox& a, const ReviewedBox& b) { return a.urgency() > b.urgency(); });
  return all;
}

std::string describe_review(const Dataset& dataset, const std::vector<ReviewedBox>& boxes) {
  constexpr size_t kShown = 5;
  std::vector<std::string> sentences;
  const auto add = [&](const char* one, const char* many, const auto& holds) {
    std::vector<std::string> named;
    size_t count = 0;
    for (const auto& b : boxes)
      if (holds(b) && ++count <= kShown)
        named.push_back(
            fmt::format("{} ({})", dataset.images[static_cast<size_t>(b.image)].photo_path(), class_of(dataset, b)));
    if (count > 0)
      sentences.push_back(fmt::format("{} of {} boxes {}: {}{}", count, boxes.size(), count == 1 ? one : many,
                                      join(named, ", "),
                                      count > kShown ? fmt::format(" and {} more", count - kShown) : ""));
  };
  add("has an empty mask", "have an empty mask", [](const ReviewedBox& b) { return b.remark() == Remark::empty; });
  add("has a mask of less than a fifth of the box", "have a mask of less than a fifth of the box",
      [](const ReviewedBox& b) { return b.remark() == Remark::sparse; });
  add("may be misplaced, or of half an object", "may be misplaced, or of half an object",
      [](const ReviewedBox& b) { return b.is_odd(); });
  add("has a mask that fills the box", "have a mask that fills the box",
      [](const ReviewedBox& b) { return b.remark() == Remark::overfull; });
  return join(sentences, "\n");
}

}  // namespace boxseg
