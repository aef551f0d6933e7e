#include "common/data/synthetic.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/data/formats/voc/voc.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

Digest digest_of_folder(const fs::path& dir) {
  std::set<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir))
    if (entry.is_regular_file()) files.insert(entry.path());
  Hasher hasher;
  for (const auto& file : files) hasher.text(file.lexically_relative(dir).string()).text(read_file(file));
  return hasher.digest();
}

}  // namespace

TEST_CASE("Boxes of synthetic images are those of the visible masks, in VOC's numbers") {
  const SyntheticOptions options;
  for (int64_t index = 0; index < 30; ++index) {
    CAPTURE(index);
    const SyntheticImage s = render_synthetic(options, index);
    REQUIRE((s.image.height >= 96 && s.image.height <= 128 && s.image.width >= 96 && s.image.width <= 128));
    REQUIRE((s.labels.height == s.image.height && s.labels.width == s.image.width));
    REQUIRE(!s.boxes.empty());
    std::vector<uint8_t> is_covered(s.labels.pixels.size());
    for (const Box& b : s.boxes) {
      REQUIRE((1 <= b.x0 && b.x0 + 5 <= b.x1 && b.x1 <= static_cast<float>(s.image.width)));
      REQUIRE((1 <= b.y0 && b.y0 + 5 <= b.y1 && b.y1 <= static_cast<float>(s.image.height)));
      // Every side of the box must be touched by a pixel of its class.
      bool left = false, right = false, top = false, bottom = false;
      for (auto y = static_cast<int64_t>(b.y0) - 1; y < static_cast<int64_t>(b.y1); ++y)
        for (auto x = static_cast<int64_t>(b.x0) - 1; x < static_cast<int64_t>(b.x1); ++x) {
          if (s.labels.at(y, x) != b.class_id) continue;
          is_covered[static_cast<size_t>(y * s.image.width + x)] = 1;
          left |= x == static_cast<int64_t>(b.x0) - 1;
          right |= x == static_cast<int64_t>(b.x1) - 1;
          top |= y == static_cast<int64_t>(b.y0) - 1;
          bottom |= y == static_cast<int64_t>(b.y1) - 1;
        }
      REQUIRE((left && right && top && bottom));
    }
    int64_t outside_boxes = 0;
    for (size_t p = 0; p < is_covered.size(); ++p) outside_boxes += (s.labels.pixels[p] > 0) != (is_covered[p] == 1);
    REQUIRE(outside_boxes == 0);
  }
}

TEST_CASE("Synthetic images hold all classes, several objects, tiny and frame-filling ones, and are not filled boxes") {
  const SyntheticOptions options;
  std::map<int64_t, int64_t> objects;
  double smallest = 1, largest = 0;
  int64_t most = 0, cut = 0;
  std::vector<double> overlap(5), either(5);
  for (int64_t index = 0; index < 120; ++index) {
    const SyntheticImage s = render_synthetic(options, index);
    most = std::max<int64_t>(most, static_cast<int64_t>(s.boxes.size()));
    cut += std::count(s.is_cut.begin(), s.is_cut.end(), true);
    LabelMap filled(s.labels.height, s.labels.width);
    for (const Box& b : s.boxes) {
      ++objects[b.class_id];
      const double share = (b.x1 - b.x0 + 1) * (b.y1 - b.y0 + 1) / static_cast<double>(s.labels.pixels.size());
      smallest = std::min(smallest, share);
      largest = std::max(largest, share);
      for (auto y = static_cast<int64_t>(b.y0) - 1; y < static_cast<int64_t>(b.y1); ++y)
        for (auto x = static_cast<int64_t>(b.x0) - 1; x < static_cast<int64_t>(b.x1); ++x)
          filled.at(y, x) = static_cast<uint8_t>(b.class_id);
    }
    for (size_t p = 0; p < filled.pixels.size(); ++p) {
      const uint8_t truth = s.labels.pixels[p], guess = filled.pixels[p];
      if (truth == guess)
        ++overlap[truth], ++either[truth];
      else
        ++either[truth], ++either[guess];
    }
  }
  REQUIRE(objects.size() == 4);
  for (const auto& [class_id, count] : objects) REQUIRE(count >= 40);
  REQUIRE(most == 4);
  REQUIRE(cut >= 10);
  REQUIRE(smallest < 0.01);
  REQUIRE(largest > 0.6);
  double miou = 0;
  for (size_t c = 0; c < 5; ++c) miou += overlap[c] / either[c] / 5;
  REQUIRE((miou > 0.5 && miou < 0.7));
}

TEST_CASE("Synthetic images are a function of seed and index") {
  const SyntheticOptions options;
  SyntheticOptions longer = options, other = options;
  longer.images = 7;
  other.seed = 1;
  REQUIRE(render_synthetic(options, 3).image.pixels == render_synthetic(longer, 3).image.pixels);
  REQUIRE(render_synthetic(options, 3).image.pixels != render_synthetic(options, 4).image.pixels);
  REQUIRE(render_synthetic(options, 3).image.pixels != render_synthetic(other, 3).image.pixels);
}

TEST_CASE("A synthetic folder has equal bytes for any number of threads, and can be indexed") {
  set_log_level(LogLevel::silent);
  const TemporaryDirectory dir;
  SyntheticOptions options;
  options.images = 24;
  options.classes = 8;
  write_synthetic(dir / "one", options, 1);
  write_synthetic(dir / "three", options, 3);
  REQUIRE(digest_of_folder(dir / "one") == digest_of_folder(dir / "three"));

  VocOptions voc;
  voc.root = dir / "one";
  voc.splits = {{"train", "train"}, {"val", "val"}, {"test", "test"}};
  VocReport report;
  const Dataset d = index_voc(voc, report);
  REQUIRE(d.classes() == 9);
  REQUIRE((d.split("train").size() == 16 && d.split("val").size() == 6 && d.split("test").size() == 2));
  REQUIRE(report.images_with_mask == 24);
  // The boxes in the XML are those of the rendered image, and the mask file is its label map.
  const SyntheticImage s = render_synthetic(options, 5);
  REQUIRE(d.images[5].boxes.size() == s.boxes.size());
  REQUIRE(d.images[5].boxes[0].x1 == s.boxes[0].x1);
  REQUIRE(read_label_png(d.mask_path(d.images[5])) == s.labels);
}

TEST_CASE("Drawing again with fewer images leaves none of the old ones, and foreign folders are left alone") {
  set_log_level(LogLevel::silent);
  const TemporaryDirectory dir;
  SyntheticOptions options;
  options.images = 12;
  write_synthetic(dir / "s", options, 2);
  options.images = 8;
  write_synthetic(dir / "s", options, 2);
  REQUIRE(fs::exists(dir / "s/JPEGImages/000007.jpg"));
  for (int i = 8; i < 12; ++i) REQUIRE_FALSE(fs::exists(dir / fmt::format("s/JPEGImages/{:06}.jpg", i)));
  write_file(dir / "mine/notes.txt", "keep");
  REQUIRE_THROWS_WITH(write_synthetic(dir / "mine", options, 1), Contains("holds something else"));
  REQUIRE_FALSE(fs::exists(dir / "mine/JPEGImages"));
}

TEST_CASE("Synthetic options out of range are refused") {
  const auto message = [](auto change) -> std::string {
    SyntheticOptions options;
    change(options);
    try {
      options.check();
    } catch (const Error& e) {
      REQUIRE(e.kind() == ErrorKind::usage);
      return e.what();
    }
    return "";
  };
  REQUIRE(message([](auto&) {}).empty());
  REQUIRE_THAT(message([](auto& o) { o.classes = 9; }), Contains("--classes 9: expected 1 to 8"));
  REQUIRE_THAT(message([](auto& o) { o.images = 0; }), Contains("--images 0"));
  REQUIRE_THAT(message([](auto& o) { o.size_min = 200; }), Contains("--size-min 200"));
}
