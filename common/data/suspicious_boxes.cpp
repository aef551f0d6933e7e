#include "common/data/suspicious_boxes.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/data/boxes.h"

namespace boxseg {
namespace {

constexpr double kTinySide = 4;       // pixels: smaller than a cell of features by far
constexpr double kWholeImage = 0.98;  // share of the image
constexpr double kSamePlace = 0.9;    // intersection over union

double area(const Box& b) { return (double{b.x1} - b.x0) * (double{b.y1} - b.y0); }

double overlap(const Box& a, const Box& b) {
  const double w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0), h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  return w <= 0 || h <= 0 ? 0 : w * h / (area(a) + area(b) - w * h);
}

struct Kind {
  const char* one;
  const char* many;
  int64_t count = 0;
  std::string first = {};
  void add(const Dataset& dataset, const ImageEntry& image, const Box& b) {
    if (count++ == 0) first = describe(dataset, image, in_photograph(b, image));
  }
  static std::string describe(const Dataset& dataset, const ImageEntry& image, const Box& b) {
    return fmt::format("{}, {} at ({}, {}, {}, {}){}", image.id, dataset.class_names[static_cast<size_t>(b.class_id)],
                       b.x0, b.y0, b.x1, b.y1,
                       image.is_copy()
                           ? fmt::format(" of a photograph that is used at {}x{}", image.size.width, image.size.height)
                           : "");
  }
};

}  // namespace

std::string Suspicion::words() const {
  std::string words;
  for (const auto& [holds, word] : {std::pair{is_tiny, "tiny"}, {holds_image, "whole image"}, {is_twice, "twice"}})
    if (holds) words += (words.empty() ? "" : ", ") + std::string(word);
  return words;
}

std::vector<Suspicion> suspicions(const ImageEntry& image, BoxNumbers numbers) {
  std::vector<Box> boxes;
  for (const Box& b : image.boxes) boxes.push_back(in_edges(b, numbers));
  const double pixels = static_cast<double>(image.size.height * image.size.width);
  std::vector<Suspicion> found(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& b = boxes[i];
    found[i].is_tiny = b.x1 - b.x0 < kTinySide || b.y1 - b.y0 < kTinySide;
    found[i].holds_image = area(b) >= kWholeImage * pixels;
    found[i].is_twice = std::any_of(boxes.begin(), boxes.begin() + static_cast<int64_t>(i), [&](const Box& other) {
      return other.class_id == b.class_id && overlap(other, b) > kSamePlace;
    });
  }
  return found;
}

std::vector<std::string> suspicious_boxes(const Dataset& dataset) {
  Kind tiny{"1 box is less than 4 pixels wide or high", "{} boxes are less than 4 pixels wide or high"};
  Kind whole{"1 box holds its whole image, which leaves no background to learn from",
             "{} boxes hold their whole images, which leaves no background to learn from"};
  Kind twice{"1 box is drawn twice", "{} boxes are drawn twice"};
  for (const auto& image : dataset.images) {
    const std::vector<Suspicion> found = suspicions(image, dataset.box_numbers);
    for (size_t i = 0; i < found.size(); ++i) {
      const Box b = in_edges(image.boxes[i], dataset.box_numbers);
      if (found[i].is_tiny) tiny.add(dataset, image, b);
      if (found[i].holds_image) whole.add(dataset, image, b);
      if (found[i].is_twice) twice.add(dataset, image, b);
    }
  }
  std::vector<std::string> sentences;
  for (const Kind* kind : {&tiny, &whole, &twice})
    if (kind->count == 1)
      sentences.push_back(fmt::format("{}: {}", kind->one, kind->first));
    else if (kind->count > 1)
      sentences.push_back(
          fmt::format("{}, the first: {}", fmt::format(fmt::runtime(kind->many), kind->count), kind->first));
  return sentences;
}

}  // namespace boxseg
