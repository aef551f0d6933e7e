// The archive of evaluate server is unpacked with the system's tar.
#include <fmt/format.h>

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/data/dataset.h"
#include "common/data/formats/voc/voc_files.h"
#include "common/io/label_png.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

LabelMap prediction(size_t number) {
  LabelMap labels(6, 9 + static_cast<int64_t>(number));
  for (size_t i = 0; i < labels.pixels.size(); ++i) labels.pixels[i] = static_cast<uint8_t>((i * 7 + number) % 21);
  return labels;
}

// Makes three test images, as an index without masks knows them (the images themselves are not needed), and
// predictions.
struct TestSplit {
  TemporaryDirectory dir;
  Dataset dataset;
  fs::path predictions = dir / "predictions", archive = dir / "results.tar";
  TestSplit() {
    dataset.name = "voc";
    dataset.root = dir.path();
    dataset.class_names = voc_class_names();
    dataset.palette = voc_palette();
    for (const std::string id : {"2008_000006", "2008_000011", "2008_000012"}) {
      const LabelMap labels = prediction(dataset.images.size());
      dataset.splits["test"].push_back(static_cast<int64_t>(dataset.images.size()));
      dataset.images.push_back({id, id + ".jpg", {labels.height, labels.width}, {}, "", "digest", ""});
      write_label_png(predictions / (id + ".png"), labels);
    }
    write();
  }
  void write() const { write_dataset(dir / "dataset.h5", dataset); }
  fs::path png(size_t i) const { return predictions / (dataset.images[i].id + ".png"); }
  CommandResult run(const std::string& more = "") const {
    return run_command(
        fmt::format("'{}/evaluate' server --dataset '{}' --split test --predictions '{}' --output '{}' {}",
                    BOXSEG_BIN_DIR, (dir / "dataset.h5").string(), predictions.string(), archive.string(), more));
  }
  void refused(int code, const std::vector<std::string>& texts, const std::string& more = "") const {
    const CommandResult result = run(more);
    CAPTURE(result.err);
    REQUIRE(result.exit_code == code);
    for (const auto& text : texts) REQUIRE_THAT(result.err, Contains(text));
    REQUIRE_FALSE(fs::exists(archive));
    REQUIRE(temporary_files_in(archive.parent_path()) == 0);
  }
};

std::string unpack(const fs::path& archive, const fs::path& folder) {
  make_directories(folder);
  const CommandResult result =
      run_command(fmt::format("tar -xvf '{}' -C '{}' 2>&1", archive.string(), folder.string()));
  REQUIRE(result.exit_code == 0);
  return result.out;
}

}  // namespace

TEST_CASE("The archive for VOC's server holds every prediction of the split under the server's names") {
  TestSplit t;
  for (const std::string name : {"results.tar", "results.tar.gz", "results.tgz"}) {
    t.archive = t.dir / name;
    const CommandResult made = t.run();
    CAPTURE(made.err);
    REQUIRE(made.exit_code == 0);
    REQUIRE_THAT(made.err, Contains("split test has 3 images") && Contains("1,456"));
    const std::string folder = "results/VOC2012/Segmentation/comp6_test_cls/";
    // The output holds the names alone, so tar has nothing to complain about.
    REQUIRE(unpack(t.archive, t.dir / ("out of " + name)) ==
            folder + "2008_000006.png\n" + folder + "2008_000011.png\n" + folder + "2008_000012.png\n");
    for (size_t i = 0; i < 3; ++i) {
      const fs::path png = t.dir / ("out of " + name) / folder / (t.dataset.images[i].id + ".png");
      REQUIRE(read_label_png(png) == prediction(i));
      REQUIRE(read_file(png) == read_file(t.png(i)));  // 8-bit palette, VOC's colours: as write_label_png makes them
    }
    const Digest first = digest_of_file(t.archive);
    REQUIRE(t.run("--threads 3").exit_code == 0);
    REQUIRE(digest_of_file(t.archive) == first);
  }
  REQUIRE(read_file(t.dir / "results.tgz").starts_with("\x1f\x8b"));
}

TEST_CASE("comp5 and other splits have their names in the archive") {
  TestSplit t;
  t.dataset.splits["val"] = {1};
  t.write();
  REQUIRE(t.run("--competition comp5 --split val").exit_code == 0);
  REQUIRE(unpack(t.archive, t.dir / "out") == "results/VOC2012/Segmentation/comp5_val_cls/2008_000011.png\n");
}

TEST_CASE("Predictions with other colours get VOC's") {
  TestSplit t;
  write_label_png(t.png(0), prediction(0), {{1, 2, 3}, {4, 5, 6}});
  REQUIRE(t.run().exit_code == 0);
  unpack(t.archive, t.dir / "out");
  write_label_png(t.dir / "expected.png", prediction(0));
  REQUIRE(read_file(t.dir / "out/results/VOC2012/Segmentation/comp6_test_cls/2008_000006.png") ==
          read_file(t.dir / "expected.png"));
}

TEST_CASE("What the server would refuse is refused before anything is written") {
  TestSplit t;
  SECTION("a missing prediction") {
    fs::remove(t.png(1));
    t.refused(3, {"1 of 3 images have no label map", "2008_000011.png"});
  }
  SECTION("a prediction of another size") {
    write_label_png(t.png(2), prediction(1));
    t.refused(3, {"2008_000012.png", "10 x 6", "11 x 6"});
  }
  SECTION("void") {
    LabelMap labels = prediction(1);
    labels.at(2, 3) = 255;
    write_label_png(t.png(1), labels);
    t.refused(3, {"2008_000011.png", "pixel (3,2) is 255", "void"});
  }
  SECTION("a value that is no class, twice") {
    for (const size_t i : {size_t{1}, size_t{2}}) {
      LabelMap labels = prediction(i);
      labels.at(0, 0) = 21;
      write_label_png(t.png(i), labels);
    }
    t.refused(3, {"2008_000011.png", "pixel (0,0) is 21", "classes 0 to 20", "2 of 3 predictions are bad"});
  }
  SECTION("a damaged file") {
    write_file(t.png(0), read_file(t.png(0)).substr(0, 840));
    t.refused(3, {"2008_000006.png"});
  }
  SECTION("other classes than VOC's") {
    t.dataset.class_names = {"background", "cat", "dog"};
    t.write();
    t.refused(3, {"VOC's 21"});
  }
  SECTION("no such split") { t.refused(2, {"did you mean 'test'"}, "--split tets"); }
  SECTION("no such competition") { t.refused(2, {"comp5"}, "--competition comp7"); }
  SECTION("no such folder") { t.refused(3, {"nowhere"}, "--predictions nowhere"); }
  SECTION("another kind of archive") {
    t.refused(2, {".tar.gz"}, fmt::format("--output '{}'", (t.dir / "results.zip").string()));
  }
}
