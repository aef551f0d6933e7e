#include "common/data/dataset.h"

#include <cmath>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/io/hdf5.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

Dataset small_dataset() {
  Dataset d;
  d.name = "small";
  d.class_names = {"background", "cat", "dög"};
  d.palette = voc_palette();
  d.images = {{"a b",
               "JPEGImages/a b.jpg",
               {30, 40},
               {{1, 2, 3.5f, 4, 1, true, false}, {5, 6, 7, 8, 2, false, true}},
               "m/a b.png",
               "11",
               "22"},
              {"x/y", "JPEGImages/x/y.jpg", {5, 6}, {}, "", "33", ""},
              {"z", "z.png", {7, 8}, {{1, 1, 2, 2, 2}}, "", "44", ""}};
  d.splits = {{"train", {2, 0}}, {"val", {1}}, {"all", {0, 1, 2}}};
  d.facts = {{"boxes clipped", "3"}, {"note", "with\nlines"}};
  return d;
}

std::string message_of(const Dataset& d) {
  const TemporaryDirectory dir;
  try {
    write_dataset(dir / "d.h5", d);
  } catch (const Error& e) {
    REQUIRE(e.kind() == ErrorKind::bad_input);
    REQUIRE_FALSE(fs::exists(dir / "d.h5"));
    return e.what();
  }
  return "";
}

Dataset with_ids(const std::vector<std::string>& ids) {
  Dataset d = small_dataset();
  d.images.resize(ids.size(), d.images[0]);
  for (size_t i = 0; i < ids.size(); ++i) d.images[i].id = ids[i];
  d.splits = {{"all", {0}}};
  return d;
}

}  // namespace

TEST_CASE("A dataset comes back from its file as it was") {
  const TemporaryDirectory dir;
  Dataset d = small_dataset();
  d.root = dir.path();
  write_dataset(dir / "d.h5", d);
  const Dataset r = read_dataset(dir / "d.h5");
  REQUIRE(r.name == d.name);
  REQUIRE(r.root == d.root);
  REQUIRE(r.class_names == d.class_names);
  REQUIRE(r.palette == d.palette);
  REQUIRE(r.splits == d.splits);
  REQUIRE(r.facts == d.facts);
  REQUIRE(r.images.size() == d.images.size());
  for (size_t i = 0; i < r.images.size(); ++i) {
    const ImageEntry &a = r.images[i], &b = d.images[i];
    REQUIRE((a.id == b.id && a.path == b.path && a.size == b.size && a.mask_path == b.mask_path));
    REQUIRE((a.image_digest == b.image_digest && a.mask_digest == b.mask_digest));
    REQUIRE(a.boxes.size() == b.boxes.size());
    for (size_t k = 0; k < a.boxes.size(); ++k) {
      const Box &p = a.boxes[k], &q = b.boxes[k];
      REQUIRE((p.x0 == q.x0 && p.y0 == q.y0 && p.x1 == q.x1 && p.y1 == q.y1 && p.class_id == q.class_id));
      REQUIRE((p.is_difficult == q.is_difficult && p.is_crowd == q.is_crowd));
    }
  }
  REQUIRE(r.image_path(r.images[0]) == dir.path() / "JPEGImages/a b.jpg");
  REQUIRE((r.class_ids.empty() && r.images[0].source_id.empty() && r.images[0].box_ids.empty()));
  REQUIRE(r.images[0].source_size == ImageSize{});
}

TEST_CASE("What the annotations call images, boxes and classes, and sizes of photographs, come back") {
  const TemporaryDirectory dir;
  Dataset d = small_dataset();
  d.class_ids = {"18", "a 3"};
  d.images[0].source_id = "image 1";
  d.images[0].box_ids = {"7", ""};
  d.images[1].source_size = {4000, 3000};
  d.images[1].source_path = "large/b.jpg";
  d.images[1].source_digest = digest_of("bytes");
  const Digest before = small_dataset().digest("all", false);
  REQUIRE(d.digest("all", false) == before);  // no stage depends on them
  write_dataset(dir / "d.h5", d);
  const Dataset r = read_dataset(dir / "d.h5", dir.path());
  REQUIRE(r.class_ids == d.class_ids);
  for (size_t i = 0; i < r.images.size(); ++i) {
    REQUIRE((r.images[i].source_id == d.images[i].source_id && r.images[i].source_size == d.images[i].source_size));
    REQUIRE((r.images[i].source_path == d.images[i].source_path && r.images[i].is_copy() == (i == 1)));
    REQUIRE(r.images[i].source_digest == d.images[i].source_digest);
    REQUIRE((i != 0 || r.images[i].box_ids == d.images[i].box_ids));
  }
  d.class_ids = {"18"};
  REQUIRE_THROWS_WITH(write_dataset(dir / "d.h5", d), Contains("1 ids of 2 classes"));
}

TEST_CASE("The digest of a split depends on what a stage sees of it, and on nothing else") {
  const Dataset d = small_dataset();
  const Digest train = d.digest("train", false);
  REQUIRE(train != d.digest("val", false));
  REQUIRE(train != d.digest("train", true));
  const auto changes = [&](auto change) {
    Dataset other = small_dataset();
    change(other);
    return other.digest("train", false) != train;
  };
  REQUIRE_FALSE(changes([](Dataset& o) { o.root = "/elsewhere"; }));
  REQUIRE_FALSE(changes([](Dataset& o) { o.images[0].path = "moved.jpg"; }));
  REQUIRE_FALSE(changes([](Dataset& o) { o.images[0].mask_digest = "99"; }));
  REQUIRE_FALSE(changes([](Dataset& o) { o.images[1].image_digest = "99"; }));  // that image is of val
  REQUIRE(changes([](Dataset& o) { o.images[0].image_digest = "99"; }));
  REQUIRE(changes([](Dataset& o) { o.images[0].boxes[0].x1 += 1; }));
  REQUIRE(changes([](Dataset& o) { o.images[0].boxes[1].is_crowd = false; }));
  REQUIRE(changes([](Dataset& o) { o.images[0].boxes.pop_back(); }));
  REQUIRE(changes([](Dataset& o) { o.images[0].id = "q"; }));
  REQUIRE(changes([](Dataset& o) { o.images[0].size.width += 1; }));
  REQUIRE(changes([](Dataset& o) { o.class_names[1] = "lion"; }));
  REQUIRE(changes([](Dataset& o) { std::swap(o.splits["train"][0], o.splits["train"][1]); }));
  Dataset masks = small_dataset();
  masks.images[0].mask_digest = "99";
  REQUIRE(masks.digest("train", true) != d.digest("train", true));
}

TEST_CASE("Unknown splits are refused with those there are") {
  REQUIRE_THROWS_WITH(small_dataset().split("trian"), Contains("all, train, val") && Contains("did you mean 'train'?"));
}

TEST_CASE("Ids that leave the output folder or share a file are refused") {
  REQUIRE(message_of(with_ids({"a", "b c", "d/e f", "..a", "a.png.b"})).empty());
  for (const std::string id : {"..", "../x", "a/../b", "/etc/x", "", ".", "a/", "a//b", "./a", "a/./b"}) {
    CAPTURE(id);
    REQUIRE_THAT(message_of(with_ids({id})), Contains("'" + id + "'"));
  }
  REQUIRE_FALSE(message_of(with_ids({std::string("a\0b", 3)})).empty());
  REQUIRE_THAT(message_of(with_ids({"x", "y", "x"})), Contains("share the output name x"));
  REQUIRE_THAT(message_of(with_ids({"a", "a.png/b"})), Contains("'a'") && Contains("'a.png/b'"));
  REQUIRE_THAT(message_of(with_ids({std::string(250, 'x')})), Contains("too long"));
}

TEST_CASE("A dataset that would hurt later is not written") {
  const auto message = [](auto change) {
    Dataset d = small_dataset();
    change(d);
    return message_of(d);
  };
  REQUIRE_THAT(message([](Dataset& d) { d.images[0].boxes[0].class_id = 3; }), Contains("class 3, expected 1 to 2"));
  REQUIRE_THAT(message([](Dataset& d) { d.images[0].boxes[0].class_id = 0; }), Contains("'a b'"));
  REQUIRE_THAT(message([](Dataset& d) { d.images[0].boxes[0].x1 = 0; }), Contains("inverted or no number"));
  REQUIRE(message([](Dataset& d) { d.images[0].boxes[0].x1 = 1; }).empty());  // one pixel in VOC's inclusive numbers
  REQUIRE_THAT(message([](Dataset& d) { d.images[0].boxes[0].y1 = NAN; }), Contains("inverted or no number"));
  REQUIRE_THAT(message([](Dataset& d) { d.images[1].size.width = 0; }), Contains("'x/y'"));
  REQUIRE_THAT(message([](Dataset& d) { d.splits["none"] = {}; }), Contains("'none'"));
  REQUIRE_THAT(message([](Dataset& d) { d.splits["val"] = {3}; }), Contains("image 3 of 3"));
  REQUIRE_THAT(message([](Dataset& d) { d.class_names[2] = "cat"; }), Contains("twice"));
  REQUIRE_THAT(message([](Dataset& d) { d.class_names = {"background"}; }), Contains("1 classes"));
}

TEST_CASE("Reading refuses what is no whole index, and roots that are gone") {
  const TemporaryDirectory dir;
  Dataset d = small_dataset();
  d.root = dir / "gone";
  write_dataset(dir / "d.h5", d);
  REQUIRE_THROWS_WITH(read_dataset(dir / "d.h5"), Contains("--data-root"));
  REQUIRE(read_dataset(dir / "d.h5", {}, false).images.size() == 3);
  REQUIRE(read_dataset(dir / "d.h5", dir.path()).root == dir.path());
  try {
    read_dataset(dir / "d.h5", dir / "nowhere");
    FAIL("a missing --data-root was taken");
  } catch (const Error& e) {
    REQUIRE(e.kind() == ErrorKind::usage);
  }
  REQUIRE_THROWS_WITH(read_dataset(dir / "absent.h5"), Contains("absent.h5"));

  const std::string bytes = read_file(dir / "d.h5");
  write_file(dir / "cut.h5", bytes.substr(0, bytes.size() / 2));
  REQUIRE_THROWS_WITH(read_dataset(dir / "cut.h5"), Contains("cut.h5"));

  H5Writer other(dir / "other.h5");
  other.write<float>("x", std::vector<float>{1, 2});
  other.close_and_commit();
  REQUIRE_THROWS_WITH(read_dataset(dir / "other.h5"), Contains("no dataset index"));

  H5Writer newer(dir / "newer.h5");
  newer.set_attribute_text("", "format", "boxseg dataset");
  newer.set_attribute<int64_t>("", "schema", 99);
  newer.close_and_commit();
  REQUIRE_THROWS_WITH(read_dataset(dir / "newer.h5"), Contains("layout 99"));
}

TEST_CASE("Classes of boxes come sorted and once") {
  REQUIRE(classes_of({{1, 1, 2, 2, 7}, {1, 1, 2, 2, 3}, {1, 1, 2, 2, 7}}) == std::vector<int64_t>{3, 7});
  REQUIRE(classes_of({}).empty());
}
