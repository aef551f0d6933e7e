// Other programs made these masks and predictions; what they mean by their values is asked before it is measured.
#include "tests/eval/made_up_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Makes a dataset of 4 images in DIR/dataset.h5, the last without a mask.
struct Bench {
  TemporaryDirectory dir;
  Dataset dataset;
  fs::path predictions;
  Bench() : dataset(make_dataset(dir.path(), 4)), predictions(dir / "predictions") {}

  // Writes every mask again, and the index.
  template <class Change>
  void change_masks(const Change& change) {
    for (auto& image : dataset.images) {
      if (image.mask_path.empty()) continue;
      LabelMap mask = read_truth(dataset, image);
      for (uint8_t& value : mask.pixels) value = change(value);
      write_label_png(dataset.mask_path(image), mask);
      image.mask_digest = digest_of_file(dataset.mask_path(image));
    }
    write_dataset(dir / "dataset.h5", dataset);
  }
  CommandResult evaluate(const std::string& verb) const {
    return run_command(
        fmt::format("'{}/evaluate' {} --dataset '{}'", BOXSEG_BIN_DIR, verb, (dir / "dataset.h5").string()));
  }
  CommandResult miou() const { return evaluate(fmt::format("miou --predictions '{}'", predictions.string())); }
};

void predict(const Bench& b, uint8_t value, const Palette& palette = voc_palette(),
             const std::string& suffix = ".png") {
  for (const auto& image : b.dataset.images) {
    fs::path file = b.predictions / output_name(image.id);
    write_label_png(file += suffix, LabelMap(image.size.height, image.size.width, value), palette);
  }
}

}  // namespace

TEST_CASE("Masks of 0 and 255 are refused: a prediction of nothing would score 100") {
  Bench b;
  predict(b, 0);
  REQUIRE(b.miou().exit_code == 0);
  b.change_masks([](uint8_t value) { return value == 0 ? uint8_t{0} : uint8_t{255}; });
  for (const CommandResult& result : {b.miou(), b.evaluate("baseline --kind filled_boxes")}) {
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 3);
    REQUIRE_THAT(result.err, Contains("3 masks of split 'val' hold no class but background") &&
                                 Contains("masks/0.png") && Contains("1 is 'disc & co'"));
    REQUIRE(result.out.empty());
  }
}

TEST_CASE("Images without objects may have masks without classes") {
  Bench b;
  for (auto& image : b.dataset.images) image.boxes.clear();
  b.change_masks([](uint8_t) { return uint8_t{0}; });
  predict(b, 0);
  REQUIRE(b.miou().exit_code == 0);
}

TEST_CASE("Predictions under VOC's colours at other indices are told") {
  Bench b;
  predict(b, 1);
  REQUIRE_THAT(b.miou().err, !Contains("colour"));
  predict(b, 1, {voc_palette()[1], voc_palette()[0], voc_palette()[2]});
  const CommandResult result = b.miou();
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.err, Contains("0.png: index 1 has VOC's colour of class 0 (background), and 3 of 3 label maps"));
}

TEST_CASE("A ground truth under VOC's colours at other indices is told") {
  Bench b;
  predict(b, 1);
  for (const auto& image : b.dataset.images)
    if (!image.mask_path.empty())
      write_label_png(b.dataset.mask_path(image), read_truth(b.dataset, image),
                      {voc_palette()[2], voc_palette()[0], voc_palette()[1]});
  const CommandResult result = b.miou();
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.err, Contains("ground truth") && Contains("masks/0.png: index 0 has VOC's colour of class 2"));
}

TEST_CASE("Predictions of other names are refused with what the folder holds") {
  Bench b;
  predict(b, 1, voc_palette(), ".PNG");
  CommandResult result = b.miou();
  REQUIRE(result.exit_code == 3);
  REQUIRE_THAT(result.err, Contains("3 of 3 images have no label map") && Contains("there is set a/0.PNG"));
  fs::remove_all(b.predictions);
  predict(b, 1, voc_palette(), "_mask.png");
  write_file(b.predictions / "list.txt", "");
  result = b.miou();
  REQUIRE(result.exit_code == 3);
  REQUIRE_THAT(result.err, Contains("3 of 3 images have no label map") && Contains("the folder holds list.txt, set a"));
}
