// `prepare export`: tools of others read the masks that were exported, and what YOLO's programs train with is there.
#include <algorithm>
#include <cmath>

#include "common/base/random.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/io/label_png.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/photos.h"
#include "tests/support/python_packages.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

CommandResult prepare(const std::string& words) {
  return run_command(shell_quote(BOXSEG_BIN_DIR + "/prepare") + " " + words);
}

void require_success(const CommandResult& result) {
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 0);
}

// Photographs, their index, and a label map of each: in a box an ellipse with a hole and with pixels that are missing,
// and a few pixels around it; nothing in the smallest box.
struct LabelledPhotos : OwnPhotos {
  fs::path labels = *this / "labels", dataset = *this / "dataset.h5";

  explicit LabelledPhotos(fs::path (OwnPhotos::*boxes)() const = &OwnPhotos::coco, const std::string& more = "") {
    for (const AnnotatedPhoto& photo : annotated_photos()) write_labels(photo);
    require_success(prepare(fmt::format("boxes --images {} --boxes {} --output {} {}", shell_quote(images.string()),
                                        shell_quote((this->*boxes)().string()), shell_quote(dataset.string()), more)));
  }

  void write_labels(const AnnotatedPhoto& photo) const {
    LabelMap map(photo.height, photo.width);
    Random random(0, "label maps to export", static_cast<uint64_t>(photo.width));
    for (const AnnotatedObject& o : photo.objects) {
      const double width = o.x1 - o.x0, height = o.y1 - o.y0;
      if (width < 10) continue;
      const auto& names = annotated_classes();
      const auto class_id = std::find(names.begin(), names.end(), o.class_name) - names.begin() + 1;
      for (int y = o.y0; y < o.y1; ++y)
        for (int x = o.x0; x < o.x1; ++x) {
          const double from_centre = std::hypot((x + 0.5 - o.x0) / width * 2 - 1, (y + 0.5 - o.y0) / height * 2 - 1);
          const bool is_inside = from_centre < 0.9 && from_centre > 0.3;
          if (is_inside ? random.below(40) > 0 : random.below(200) == 0) map.at(y, x) = static_cast<uint8_t>(class_id);
        }
    }
    write_label_png(labels / (fs::path(photo.name).stem() += ".png"), map);
  }

  fs::path exported(const std::string& format, const std::string& more = "") const {
    const fs::path output = *this / ("as " + format + (format == "coco" ? ".json" : ""));
    require_success(prepare(fmt::format("export --dataset {} --labels {} --format {} --tolerance 0 --output {} {}",
                                        shell_quote(dataset.string()), shell_quote(labels.string()), format,
                                        shell_quote(output.string()), more)));
    return output;
  }

  void require_read(const fs::path& python, const std::string& format, const fs::path& files) const {
    const auto read = run_command(fmt::format("{} {} {} {} {} {} {}", shell_quote(python.string()),
                                              shell_quote(BOXSEG_SOURCE_DIR + "/tests/python/read_masks.py"), format,
                                              shell_quote(files.string()), shell_quote(coco().string()),
                                              shell_quote(labels.string()), shell_quote(images.string())));
    require_success(read);
    std::printf("%s", read.out.c_str());
  }
};

}  // namespace

TEST_CASE("pycocotools reads exported masks by the ids of their boxes, and each has the label map's pixels",
          "[python]") {
  PYTHON_WITH_OR_SKIP(python, "pycocotools");
  const LabelledPhotos photos;
  photos.require_read(python, "coco", photos.exported("coco"));
}

TEST_CASE("supervision reads exported YOLO labels, and each has the label map's pixels and their border", "[python]") {
  PYTHON_WITH_OR_SKIP(python, "supervision");
  const LabelledPhotos photos;
  photos.require_read(python, "yolo", photos.exported("yolo"));
}

TEST_CASE("supervision reads exported LabelMe files, new ones and those of the boxes", "[python]") {
  PYTHON_WITH_OR_SKIP(python, "supervision");
  const LabelledPhotos photos;
  photos.require_read(python, "labelme", photos.exported("labelme"));
  const LabelledPhotos with_files(&OwnPhotos::labelme);
  const fs::path files = with_files.exported("labelme");
  REQUIRE_THAT(read_file(files / "a.json"), Contains("\"rectangle\""));
  with_files.require_read(python, "labelme", files);
}

TEST_CASE("a YOLO export lists its photographs for training, and boxseg reads it again", "[cpu]") {
  const LabelledPhotos photos;
  const fs::path yolo = photos.exported("yolo");
  CHECK_THAT(read_file(yolo / "data.yaml"),
             Contains("\ntrain: train.txt\nval: train.txt\nnames:\n  0: \"chat noir\"\n"));
  CHECK(read_file(yolo / "train.txt") == "./images/a.jpg\n./images/b c.jpg\n./images/empty.jpg\n./images/été.png\n");
  CHECK(fs::equivalent(yolo / "images/a.jpg", photos.images / "a.jpg"));
  CHECK(fs::read_symlink(yolo / "images").is_relative());
  require_success(
      prepare(fmt::format("boxes --images {} --boxes {} --output {}", shell_quote(photos.images.string()),
                          shell_quote((yolo / "data.yaml").string()), shell_quote((photos / "again.h5").string()))));
  const Dataset was = read_dataset(photos.dataset), again = read_dataset(photos / "again.h5");
  CHECK(again.class_names == was.class_names);
  REQUIRE(again.images.size() == 4);
  CHECK(again.images[0].boxes.size() == 2);
  CHECK(again.splits.at("train").size() == 4);

  // A folder of somebody's photographs stays.
  fs::remove(yolo / "images");
  write_file(yolo / "images/own.txt", "mine");
  photos.exported("yolo");
  CHECK(read_file(yolo / "images/own.txt") == "mine");
  fs::remove_all(yolo / "images");
  photos.exported("yolo");
  CHECK(fs::is_symlink(yolo / "images"));
}

TEST_CASE("a YOLO export keeps the images for validation apart", "[cpu]") {
  const LabelledPhotos photos(&OwnPhotos::coco, "--validation-share 0.5 --seed 1");
  const Dataset dataset = read_dataset(photos.dataset);
  const size_t train = dataset.splits.at("train").size(), val = dataset.splits.at("val").size();
  REQUIRE(train > 0);
  REQUIRE(val > 0);
  const fs::path yolo = photos.exported("yolo", "--split all");
  CHECK_THAT(read_file(yolo / "data.yaml"), Contains("\ntrain: train.txt\nval: val.txt\n"));
  CHECK(read_lines(read_file(yolo / "train.txt")).size() == train);
  CHECK(read_lines(read_file(yolo / "val.txt")).size() == val);
  // Of one split alone, it serves both, and what the other had is gone.
  photos.exported("yolo", "--split train");
  CHECK_THAT(read_file(yolo / "data.yaml"), Contains("\ntrain: train.txt\nval: train.txt\n"));
  CHECK(read_lines(read_file(yolo / "train.txt")).size() == train);
  CHECK(!fs::exists(yolo / "val.txt"));
}
