// Large photographs go through a run as smaller copies: what the dataset says of them.
#include "tests/own/large_photos.h"

#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/data/boxes.h"
#include "common/io/label_png.h"
#include "common/io/resized.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::vector<float> corners(const Box& b) { return {b.x0, b.y0, b.x1, b.y1}; }

}  // namespace

TEST_CASE("a photograph beyond the longest side becomes a smaller copy, and its boxes are the copy's", "[cpu]") {
  const LargePhotos photos;
  const Dataset d = LargePhotos::join(photos.options(100));
  REQUIRE(d.images.size() == 3);
  REQUIRE(d.copies() == 2);
  const ImageEntry &turned = d.images[0], &large = d.images[1], &small = d.images[2];

  CHECK((large.id == "large" && large.size == ImageSize{75, 100} && large.source_size == ImageSize{300, 400}));
  CHECK((large.photo_path() == "large.png" && large.source_digest == digest_of_file(photos.images / "large.png")));
  CHECK(corners(large.boxes[0]) == std::vector<float>{10, 20, 60, 45});
  CHECK(corners(large.boxes[1]) == std::vector<float>{75, 0, 100, 75});
  CHECK(corners(in_photograph(large.boxes[0], large)) == std::vector<float>{40, 80, 240, 180});
  const fs::path copy = d.image_path(large);
  CHECK(fs::equivalent(copy, photos.copies / "large.png"));
  CHECK(large.image_digest == digest_of_file(copy));
  CHECK(read_rgb(copy).pixels == resized(LargePhotos::picture(300, 400, 0), {75, 100}).pixels);

  CHECK((turned.id == "d/turned" && turned.size == ImageSize{100, 40} && turned.source_size == ImageSize{500, 200}));
  CHECK(corners(turned.boxes[0]) == std::vector<float>{10.1f, 20, 30.1f, 70});
  CHECK(read_rgb(d.image_path(turned)).pixels == resized(read_rgb(photos.images / "d/turned.JPG"), {100, 40}).pixels);

  CHECK_FALSE(small.is_copy());
  CHECK((small.path == "small.jpg" && small.size == ImageSize{90, 100} && small.photo_size() == ImageSize{90, 100}));
  CHECK(fs::equivalent(d.photo_path(small), d.image_path(small)));
  CHECK_FALSE(fs::exists(photos.copies / "small.png"));
}

TEST_CASE("what is no larger than the longest side, or not to be made smaller, is as it always was", "[cpu]") {
  const LargePhotos photos;
  const Dataset plain = LargePhotos::join(photos.options(0)), fitting = LargePhotos::join(photos.options(500));
  CHECK(plain.copies() == 0);
  CHECK(fitting.copies() == 0);
  CHECK(plain.digest("all", true) == fitting.digest("all", true));
  CHECK(plain.images[1].path == fitting.images[1].path);
  CHECK(temporary_files_in(photos.directory.path()) == 0);
}

TEST_CASE("outlines become masks of the copy's size", "[cpu]") {
  const LargePhotos photos;
  const Dataset d = LargePhotos::join(photos.options(100));
  const ImageEntry& large = d.images[1];
  REQUIRE_FALSE(large.mask_path.empty());
  const LabelMap mask = read_label_png(d.mask_path(large));
  REQUIRE((mask.height == 75 && mask.width == 100));
  // The run lengths have columns 41 and 42 of the photograph, rows 80 to 179: the middle of column 10 is in 42.
  for (int64_t y = 0; y < 75; ++y) {
    CAPTURE(y);
    CHECK(mask.at(y, 9) == 0);
    CHECK(mask.at(y, 10) == (y >= 20 && y < 45 ? 1 : 0));
    CHECK(mask.at(y, 11) == 0);
    CHECK(mask.at(y, 80) == 2);
    CHECK(mask.at(y, 95) == 0);
  }
  // A fifth of a side: the middles of 5 pixels of the photograph.
  const LabelMap fifth = read_label_png(LargePhotos::join(photos.options(80)).mask_path(large));
  CHECK((fifth.height == 60 && fifth.at(15, 8) == 0 && fifth.at(16, 8) == 1 && fifth.at(16, 9) == 0 &&
         fifth.at(30, 65) == 2));
}

TEST_CASE("copies are found behind a link to the photographs, and are no photographs themselves", "[cpu]") {
  const LargePhotos photos;
  make_directories(photos / "elsewhere");
  fs::create_directory_symlink(photos.images, photos / "elsewhere/link");
  PhotosWithBoxesOptions options = photos.options(100);
  options.images = photos / "elsewhere/link";
  const Dataset d = LargePhotos::join(options);
  CHECK(read_rgb(d.image_path(d.images[1])).width == 100);
  CHECK(read_label_png(d.mask_path(d.images[1])).width == 100);

  PhotosWithBoxesOptions inside = photos.options(100);
  inside.copies = photos.images / "run/data/photos";
  const Dataset first = LargePhotos::join(inside), again = LargePhotos::join(inside);
  CHECK(first.digest("all", true) == again.digest("all", true));
  CHECK(again.images.size() == 3);
  CHECK(again.digest("all", true) == d.digest("all", true));
}

TEST_CASE("copies take the place of no photograph", "[cpu]") {
  const LargePhotos photos;
  PhotosWithBoxesOptions options = photos.options(100);
  const auto refusal = [&](const fs::path& copies) {
    options.copies = copies;
    return usage_message_of([&] { LargePhotos::join(options); });
  };
  CHECK_THAT(refusal(photos.images), Contains("is or holds the folder of the photographs"));
  CHECK_THAT(refusal(photos.directory.path()), Contains("is or holds the folder of the photographs"));
  CHECK_THAT(refusal(photos.images / "d"), Contains("holds some itself, such as turned.JPG"));
  CHECK(refusal(photos.images / "new").empty());
  CHECK(read_rgb(photos.images / "large.png").width == 400);
}

TEST_CASE("what is annotated is still held against the photograph", "[cpu]") {
  const LargePhotos photos;
  PhotosWithBoxesOptions options = photos.options(100);
  options.boxes = photos / "odd.csv";
  const auto refusal = [&](const std::string& row) {
    write_file(options.boxes, "image,width,height,xmin,ymin,xmax,ymax,class\n" + row);
    return failure_of([&] { LargePhotos::join(options); }).message;
  };
  CHECK_THAT(refusal("large.png,100,75,1,1,9,9,cat\n"), Contains("has 100x75 pixels, but large.png has 400x300"));
  CHECK_THAT(refusal("large.png,400,300,401,1,410,9,cat\n"), Contains("has no pixel of large.png, which has 400x300"));
  CHECK(refusal("large.png,400,300,398,1,400,9,cat\n").empty());
}
