#include "eval/review/box_review.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/data/boxes.h"
#include "common/labels/labelled_boxes.h"
#include "common/labels/shard.h"
#include "common/runtime/parallel.h"
#include "eval/csv_text.h"

namespace boxseg {
namespace {

constexpr double kEmpty = 0.05, kSparse = 0.2, kOverfull = 0.95;

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

double ReviewedBox::urgency() const { return static_cast<int>(remark()) + 1 - mask.filled(); }

std::vector<ReviewedBox> review_boxes(const Dataset& dataset, const std::string& split, const fs::path& labels,
                                      int threads) {
  const auto& members = dataset.split(split);
  std::vector<std::vector<ReviewedBox>> of_image(members.size());
  parallel_for(static_cast<int64_t>(members.size()), 1, threads, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t index = members[static_cast<size_t>(n)];
      const ImageEntry& image = dataset.images[static_cast<size_t>(index)];
      const LabelMap y_crf = read_labels_of(labels / y_crf_file(image.id), image);
      const auto masks = labelled_boxes(image, dataset.box_numbers, y_crf, read_y_ret(labels, image)).masks;
      for (size_t b = 0; b < masks.size(); ++b)
        if (!image.boxes[b].is_crowd)
          of_image[static_cast<size_t>(n)].push_back({index, static_cast<int64_t>(b), masks[b]});
    }
  });
  std::vector<ReviewedBox> all;
  for (const auto& boxes : of_image) all.insert(all.end(), boxes.begin(), boxes.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const ReviewedBox& a, const ReviewedBox& b) { return a.urgency() > b.urgency(); });
  return all;
}

std::string review_csv(const Dataset& dataset, const std::vector<ReviewedBox>& boxes) {
  std::string text = "rank,image,box,class,x0,y0,x1,y1,filled,disagreement,sides_touched,remark\n";
  for (size_t i = 0; i < boxes.size(); ++i) {
    const ReviewedBox& b = boxes[i];
    const ImageEntry& image = dataset.images[static_cast<size_t>(b.image)];
    const auto number = static_cast<size_t>(b.box);
    const Box box = in_edges(image.boxes[number], dataset.box_numbers);
    const bool has_id = !image.box_ids.empty() && !image.box_ids[number].empty();
    const std::string id = has_id ? image.box_ids[number] : std::to_string(b.box + 1);
    text += fmt::format("{},{},{},{},{},{},{},{},{:.3f},{:.3f},{},{}\n", i + 1, csv_field(image.path), csv_field(id),
                        csv_field(class_of(dataset, b)), box.x0, box.y0, box.x1, box.y1, b.mask.filled(),
                        b.mask.disagreement(), b.mask.sides_touched, name_of(b.remark()));
  }
  return text;
}

std::string describe_review(const Dataset& dataset, const std::vector<ReviewedBox>& boxes) {
  constexpr size_t kShown = 5;
  std::vector<std::string> sentences;
  for (const auto& [remark, what] : {std::pair{Remark::empty, "an empty mask"},
                                     {Remark::sparse, "a mask of less than a fifth of the box"},
                                     {Remark::overfull, "a mask that fills the box"}}) {
    std::vector<std::string> named;
    size_t count = 0;
    for (const auto& b : boxes)
      if (b.remark() == remark && ++count <= kShown)
        named.push_back(
            fmt::format("{} ({})", dataset.images[static_cast<size_t>(b.image)].path, class_of(dataset, b)));
    if (count > 0)
      sentences.push_back(fmt::format("{} of {} boxes {} {}: {}{}", count, boxes.size(), count == 1 ? "has" : "have",
                                      what, join(named, ", "), count > kShown ? ", ..." : ""));
  }
  return join(sentences, "\n");
}

}  // namespace boxseg
