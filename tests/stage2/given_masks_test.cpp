// Masks of another tool in place of the CRF's, and true masks that are kept.
#include "stage2_pseudolabel/given_masks.h"

#include <algorithm>

#include "common/data/boxes.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/labels/shard.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "tests/stage2/small_world.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

LabelMap row(std::vector<uint8_t> values) {
  LabelMap labels(1, static_cast<int64_t>(values.size()));
  labels.pixels = std::move(values);
  return labels;
}

// A world whose first three images have a mask of another tool.
struct GivenWorld : SmallWorld {
  GivenWorld() {
    const Dataset dataset = read_dataset(dir / "dataset.h5");
    for (size_t i = 0; i < 3; ++i) {
      const ImageEntry& image = dataset.images[i];
      given.emplace_back(image.size.height, image.size.width);
      // The upper half of each box; of the third image not of its last one; and a stripe of void.
      for (size_t b = 0; b < image.boxes.size() - (i == 2 ? 1 : 0); ++b) {
        const Box& box = image.boxes[b];
        for (auto y = static_cast<int64_t>(box.y0); y < static_cast<int64_t>((box.y0 + box.y1) / 2); ++y)
          for (auto x = static_cast<int64_t>(box.x0); x < static_cast<int64_t>(box.x1); ++x)
            given[i].at(y, x) = static_cast<uint8_t>(box.class_id);
      }
      for (int64_t y = 0; y < image.size.height; ++y) given[i].at(y, 30) = 255;
      write_given(i);
    }
    take();
  }
  void write_given(size_t i) const { write_label_png(dir / fmt::format("masks/{}.png", i), given[i]); }
  void take() const {
    must_run(fmt::format("'{}/prepare' labels --quiet --split all --masks '{}' --dataset '{}' --output '{}'",
                         BOXSEG_BIN_DIR, (dir / "masks").string(), (dir / "dataset.h5").string(),
                         (dir / "given").string()));
  }
  std::string with_masks(const std::string& output, const std::string& more = "") const {
    return command(output, "--given-masks '" + (dir / "given").string() + "' " + more);
  }
  LabelMap labels(const std::string& output, const std::string& file) const {
    return read_label_png(dir / output / file);
  }

  std::vector<LabelMap> given;
};

}  // namespace

TEST_CASE("a given map is kept inside its boxes, and what it leaves open is the CRF's", "[stage2]") {
  const Geometry geometry =
      make_geometry({{0, 0, 4, 1, 1}, {4, 0, 6, 1, 2}, {5, 0, 8, 1, 3}}, {1, 9}, BoxConvention::edges);
  // The first box has a pixel of its class, so that zeros in it are background; the others have none, so that nobody
  // has looked at them. Class 2 at 6 and class 1 at 7 lie outside their boxes, and so does the last pixel, void.
  const LabelMap given = row({1, 0, 255, 0, 0, 0, 2, 1, 255}), crf = row({0, 1, 1, 1, 2, 3, 3, 0, 0});
  CHECK(leaves_something_open(given, geometry));
  CHECK(join_given(given, crf, geometry) == row({1, 0, 1, 0, 2, 3, 3, 0, 0}));

  const LabelMap whole = row({0, 1, 0, 0, 2, 0, 3, 0, 3});
  CHECK_FALSE(leaves_something_open(whole, geometry));
  CHECK(join_given(whole, {}, geometry) == row({0, 1, 0, 0, 2, 0, 3, 0, 0}));
  CHECK(leaves_something_open(row({0, 1, 0, 0, 2, 255, 3, 0, 0}), geometry));
  CHECK_FALSE(leaves_something_open(row({0, 1, 0, 0, 2, 0, 3, 0, 255}), geometry));
}

TEST_CASE("given masks are Y_crf of their images, judged by a Y_ret of their own, and other images are as before",
          "[stage2]") {
  const GivenWorld world;
  must_run(world.command("plain"));
  CHECK_THAT(must_run(world.with_masks("out")).err, Contains("labels of 12 images, 3 of a given mask"));
  const Dataset dataset = read_dataset(world.dir / "dataset.h5");
  int other_y_ret = 0;
  for (size_t i = 0; i < dataset.images.size(); ++i) {
    const ImageEntry& image = dataset.images[i];
    INFO(image.id);
    const LabelMap plain = world.labels("plain", y_crf_file(image.id));
    const LabelMap y_crf = world.labels("out", y_crf_file(image.id));
    const bool has_same_y_ret =
        world.labels("out", y_ret_file(image.id)) == world.labels("plain", y_ret_file(image.id));
    if (i < 3) {
      const Geometry geometry = make_geometry(image.boxes, image.size, BoxConvention::reference);
      CHECK(y_crf == join_given(world.given[i], plain, geometry));
      CHECK(std::count(y_crf.pixels.begin(), y_crf.pixels.end(), 255) == 0);
      other_y_ret += !has_same_y_ret;
    } else {
      CHECK(y_crf == plain);
      CHECK(has_same_y_ret);
    }
  }
  CHECK(other_y_ret > 0);
  const Manifest manifest = read_manifest(world.dir / "out/manifest.h5");
  CHECK(manifest.facts.at("given_masks") == "3");
  CHECK(manifest.facts.count("true_masks") == 0);
  CHECK(manifest.inputs.count("given_masks") == 1);
  CHECK(read_manifest(world.dir / "plain/manifest.h5").inputs.count("given_masks") == 0);

  must_run(world.with_masks("parts", "--shard 0/2"));
  must_run(world.with_masks("parts", "--shard 1/2 --threads 1"));
  const Manifest merged = read_manifest(world.dir / "parts/manifest.h5");
  CHECK(merged.facts.at("given_masks") == "3");
  CHECK(labels_digest(merged) == labels_digest(manifest));
}

TEST_CASE("a changed mask makes the labels again, the same masks do not", "[stage2]") {
  GivenWorld world;
  must_run(world.with_masks("out"));
  fs::remove_all(world.dir / "given");
  world.take();
  CHECK_THAT(must_run(world.with_masks("out")).err, Contains("up to date"));
  const LabelMap before = world.labels("out", "Y_crf/image_0.png");
  std::fill(world.given[0].pixels.begin(), world.given[0].pixels.begin() + 30 * 64, uint8_t{0});
  world.write_given(0);
  CHECK_THAT(must_run(world.with_masks("out")).err, Contains("up to date"));  // the masks were not taken again yet
  world.take();
  CHECK_THAT(must_run(world.with_masks("out")).err, !Contains("up to date"));
  CHECK(world.labels("out", "Y_crf/image_0.png") != before);

  INFO("what was changed behind the manifest's back is refused");
  write_label_png(world.dir / "given/Y_crf/image_0.png", LabelMap(48, 64));
  const auto refused = run_command(world.with_masks("other"));
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("given/Y_crf/image_0.png: has other labels than when it was made"));
}

TEST_CASE("true masks are kept as Y_crf and Y_ret when asked, also where another tool's are given", "[stage2]") {
  const GivenWorld world;
  must_run(world.with_masks("plain"));
  Dataset dataset = read_dataset(world.dir / "dataset.h5");
  std::map<size_t, LabelMap> truth;
  for (const size_t i : {0u, 3u}) {
    LabelMap& mask = truth[i] = LabelMap(48, 64, i == 0 ? 2 : 0);
    mask.at(20, 20) = 255;
    ImageEntry& image = dataset.images[i];
    image.mask_path = fmt::format("truth {}.png", i);
    write_label_png(dataset.mask_path(image), mask);
    image.mask_digest = digest_of_file(dataset.mask_path(image));
  }
  write_dataset(world.dir / "dataset.h5", dataset);
  CHECK_THAT(must_run(world.with_masks("plain")).err, Contains("up to date"));

  CHECK_THAT(must_run(world.with_masks("kept", "--true-masks keep")).err,
             Contains("labels of 12 images, 2 of a given mask, 2 keep their true mask"));
  for (size_t i = 0; i < dataset.images.size(); ++i) {
    INFO(dataset.images[i].id);
    for (const auto& file : {y_crf_file(dataset.images[i].id), y_ret_file(dataset.images[i].id)})
      CHECK(world.labels("kept", file) == (truth.count(i) > 0 ? truth[i] : world.labels("plain", file)));
  }
  const Manifest manifest = read_manifest(world.dir / "kept/manifest.h5");
  CHECK(manifest.facts.at("true_masks") == "2");
  CHECK(manifest.facts.at("given_masks") == "2");

  const auto measured =
      run_command(fmt::format("'{}/evaluate' miou --dataset '{}' --split all --predictions '{}'", BOXSEG_BIN_DIR,
                              (world.dir / "dataset.h5").string(), (world.dir / "kept/Y_crf").string()));
  CHECK(measured.exit_code == 3);
  CHECK_THAT(measured.err, Contains("there is nothing to measure"));

  dataset.images[0].mask_digest = digest_of("another");
  write_dataset(world.dir / "dataset.h5", dataset);
  const auto refused = run_command(world.with_masks("kept", "--true-masks keep"));
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("truth 0.png: is not the file that prepare indexed"));
}

TEST_CASE("given masks that cannot be taken are refused before any work", "[stage2]") {
  const GivenWorld world;
  const auto refuse = [&](const std::string& command, int code, const std::string& text) {
    const auto result = run_command(command);
    INFO(command << "\n" << result.err);
    CHECK(result.exit_code == code);
    CHECK_THAT(result.err, Contains(text));
    CHECK_FALSE(fs::exists(world.dir / "out/attention"));
  };
  refuse(world.command("out", "--given-masks '" + (world.dir / "masks").string() + "'"), 3,
         "has no manifest.h5; make it with `prepare labels --masks`");
  refuse(world.with_masks("given"), 2, "could be replaced");
  must_run(world.command("plain"));
  refuse(world.from_attention("plain", "out", "--given-masks '" + (world.dir / "given").string() + "'"), 2,
         "--from-attention goes without --given-masks");
  refuse(world.from_attention("plain", "out", "--true-masks keep"), 2, "--from-attention goes without --given-masks");
  Dataset dataset = read_dataset(world.dir / "dataset.h5");
  std::swap(dataset.class_names[1], dataset.class_names[2]);
  write_dataset(world.dir / "dataset.h5", dataset);
  refuse(world.with_masks("out"), 3, "was made for other classes: value 1 is 'red' there and 'green' in the dataset");
}
