// Masks and boxes may not belong together: here is every way that was met in public reports, and what must not be
// doubted.
#include "common/data/label_doubts.h"

#include <functional>

#include "common/base/random.h"
#include "common/base/text.h"
#include "common/io/label_png.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

const std::vector<std::string> kClasses = {"background", "cat", "dog"};

struct Labelled {
  std::vector<Box> boxes;
  LabelMap labels;
};

// Makes 12 images of a cat and at times a dog, each an ellipse in its box, with void around.
std::vector<Labelled> pictures() {
  std::vector<Labelled> all;
  for (uint64_t i = 0; i < 12; ++i) {
    Random random(i, "label doubts");
    Labelled one{{}, LabelMap(60, 90)};
    for (int64_t c = 1; c <= 1 + static_cast<int64_t>(i % 2); ++c) {
      const int64_t w = 20 + random.below(10), h = 14 + random.below(8);
      const int64_t x0 = c == 1 ? random.below(12) : 50 + random.below(10), y0 = random.below(20);
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
          const double dx = (2.0 * static_cast<double>(x) + 1) / static_cast<double>(w) - 1,
                       dy = (2.0 * static_cast<double>(y) + 1) / static_cast<double>(h) - 1, r = dx * dx + dy * dy;
          if (r <= 1.2) one.labels.at(y0 + y, x0 + x) = r <= 1 ? static_cast<uint8_t>(c) : 255;
        }
      one.boxes.push_back({static_cast<float>(x0 + 1), static_cast<float>(y0 + 1), static_cast<float>(x0 + w),
                           static_cast<float>(y0 + h), c});
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::string doubts_of(std::vector<Labelled> all, const std::function<void(size_t, Labelled&)>& change,
                      bool has_annotation = true) {
  const test::TemporaryDirectory dir;
  LabelDoubts doubts(kClasses);
  for (size_t i = 0; i < all.size(); ++i) {
    change(i, all[i]);
    const auto path = dir / (std::to_string(100 + i) + ".png");
    write_label_png(path, all[i].labels);  // its colours are looked at, too
    doubts.look_at(path, all[i].boxes, all[i].labels, has_annotation);
  }
  return join(doubts.doubts("the masks"), "\n");
}

LabelMap flipped(const LabelMap& labels, bool is_mirrored) {
  LabelMap other(labels.height, labels.width);
  for (int64_t y = 0; y < labels.height; ++y)
    for (int64_t x = 0; x < labels.width; ++x)
      other.at(y, x) = is_mirrored ? labels.at(y, labels.width - 1 - x) : labels.at(labels.height - 1 - y, x);
  return other;
}

}  // namespace

TEST_CASE("Masks of the boxes' objects raise no doubt, drawn exactly or roughly") {
  CHECK(doubts_of(pictures(), [](size_t, Labelled&) {}).empty());
  CHECK(doubts_of(pictures(),
                  [](size_t, Labelled& p) {  // boxes a little too small, and a little too large
                    for (Box& box : p.boxes) box.x0 += 1, box.y1 += 2;
                  })
            .empty());
  CHECK(doubts_of(pictures(),
                  [](size_t, Labelled& p) {  // half of an object is behind another
                    for (auto& value : p.labels.pixels)
                      if (value == 2) value = 1;
                    if (p.boxes.size() == 2)
                      p.boxes.push_back({p.boxes[1].x0, p.boxes[1].y0, p.boxes[1].x1, p.boxes[1].y1, 1});
                  })
            .find("same places") == std::string::npos);
  CHECK(LabelDoubts(kClasses).doubts("the masks").empty());
}

TEST_CASE("Masks that lie elsewhere than the boxes are told, whatever the cause") {
  const auto all = pictures();
  const std::vector<std::pair<std::string, std::function<void(size_t, Labelled&)>>> causes = {
      {"mirrored", [](size_t, Labelled& p) { p.labels = flipped(p.labels, true); }},
      {"upside down", [](size_t, Labelled& p) { p.labels = flipped(p.labels, false); }},
      {"of the next image", [&](size_t i, Labelled& p) { p.labels = all[(i + 2) % all.size()].labels; }},
      {"width and height for the lower corner",
       [](size_t, Labelled& p) {
         for (Box& box : p.boxes) {
           const float w = box.x1 - box.x0, h = box.y1 - box.y0;
           box.x1 = std::max(box.x0, w), box.y1 = std::max(box.y0, h);
         }
       }},
      {"x and y exchanged",
       [](size_t, Labelled& p) {
         for (Box& box : p.boxes) std::swap(box.x0, box.y0), std::swap(box.x1, box.y1);
         for (Box& box : p.boxes) box.y0 = std::min(box.y0, 60.0f), box.y1 = std::min(box.y1, 60.0f);
       }},
      {"cats for dogs where both are", [](size_t, Labelled& p) {
         if (p.boxes.size() == 2)
           for (auto& value : p.labels.pixels)
             if (value == 1 || value == 2) value = static_cast<uint8_t>(3 - value);
       }}};
  for (const auto& [what, change] : causes) {
    INFO(what);
    CHECK_THAT(doubts_of(all, change), Contains("the masks and the boxes do not lie at the same places: ") &&
                                           Contains("of the pixels of objects"));
  }
}

TEST_CASE("One mask of another image among many is named") {
  const auto all = pictures();
  CHECK_THAT(doubts_of(all,
                       [&](size_t i, Labelled& p) {
                         if (i == 4) p.labels = flipped(p.labels, true);
                       }),
             Contains("the masks: in 1 image more than half of the pixels of objects are outside") &&
                 Contains("104.png (100 %)"));
}

TEST_CASE("Boxes of another scale are told by their size") {
  CHECK_THAT(doubts_of(pictures(),
                       [](size_t, Labelled& p) {
                         for (Box& box : p.boxes) box = {1, 1, 90, 60, box.class_id};
                       }),
             Contains("differ in size: the median box"));
}

TEST_CASE("Masks without background are told") {
  CHECK_THAT(doubts_of(pictures(),
                       [](size_t, Labelled& p) {
                         for (auto& value : p.labels.pixels)
                           if (value == 0) value = 255;
                       }),
             Contains("the masks: none of 12 holds the value 0, background"));
  CHECK(doubts_of(pictures(),
                  [](size_t i, Labelled& p) {  // one image that its object fills
                    if (i == 0) p = {{{1, 1, 90, 60, 1}}, LabelMap(60, 90, 1)};
                  })
            .empty());
}

TEST_CASE("Objects in masks of images without a box are told, but not where nothing is known of boxes") {
  const auto forget = [](size_t i, Labelled& p) {
    if (i == 3 || i == 7) p.boxes.clear();
  };
  CHECK_THAT(doubts_of(pictures(), forget),
             Contains("the masks: 2 images without a box have objects there, such as ") && Contains("103.png"));
  CHECK(doubts_of(pictures(), forget, false).empty());
  CHECK(doubts_of(pictures(), [](size_t, Labelled& p) { p.boxes.clear(); }).empty());
  CHECK(doubts_of(pictures(), [](size_t i, Labelled& p) {
          if (i == 3) p = {{}, LabelMap(60, 90, 0)};
        }).empty());
}
