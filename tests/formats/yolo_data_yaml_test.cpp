#include "common/data/formats/yolo/yolo_boxes.h"
#include "tests/formats/reading.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Splits = std::map<std::string, std::vector<std::string>>;
const std::string kNames = "names:\n  0: cat\n  1: dog\n", kLabel = "1 .5 .5 .5 .5\n",
                  kDog = ": dog 0.25 0.25 0.75 0.75";

// images/{train,val} with labels/{train,val} beside it; train/b has no labels, val/c has no photograph.
struct DataSet : Files {
  DataSet() {
    for (const char* photo : {"images/train/a.jpg", "images/train/b.PNG", "images/val/d e.jpeg"}) write(photo, "");
    for (const char* labels : {"labels/train/a.txt", "labels/val/c.txt", "labels/val/d e.txt"}) write(labels, kLabel);
  }
  BoxAnnotations read(const std::string& yaml) const { return read_yolo_boxes(write("data.yaml", yaml)); }
  std::string refusal(const std::string& yaml) const {
    return refusal_of([&] { read(yaml); });
  }
};

const std::string kAll = "images/train/a" + kDog + "\nimages/val/c" + kDog + "\nimages/val/d e" + kDog;
const Splits kSplits = {{"train", {"images/train/a", "images/train/b"}}, {"val", {"images/val/c", "images/val/d e"}}};

}  // namespace

TEST_CASE("The folders of a data.yaml are its splits, with the images that have no labels", "[cpu]") {
  const DataSet set;
  for (const char* splits :
       {"train: images/train\nval: images/val\ntest:\n", "path: .\ntrain: images/train/\nvalid: images/val",
        "train: ../images/train\nvalidation: ../images/val\n", "train: [images/train]\nval:\n- ./images/val\n",
        "train: images\\train\nval: images\\val\n"}) {
    CAPTURE(splits);
    const BoxAnnotations read = set.read(splits + ("\n" + kNames));
    REQUIRE(words_of(read) == kAll);
    REQUIRE(read.splits == kSplits);
    REQUIRE(read.class_names == std::vector<std::string>{"cat", "dog"});
    REQUIRE(read.images[0].file.lexically_relative(set.directory.path()) == "labels/train/a.txt");
    REQUIRE_THAT(doubts_of(read), Contains("1 image is without labels") && Contains("labels/train/b.txt"));
  }
  set.write("data.yaml", "train: images/train\nval: images/val\n" + kNames);
  REQUIRE(read_yolo_boxes(set.directory.path()).splits == kSplits);
}

TEST_CASE("Lists of images are read with their lines relative to the list or to the set", "[cpu]") {
  const DataSet set;
  set.write("lists/train.txt", "../images/train/a.jpg\r\n../images/train/b.PNG\r\n\r\n");
  set.write("val.txt", "./images/val/c.jpg\nimages/val/d e.jpeg\n");
  const BoxAnnotations read = set.read("train: lists/train.txt\nval: val.txt\n" + kNames);
  REQUIRE(words_of(read) == kAll);
  REQUIRE(read.splits == kSplits);
}

TEST_CASE("Paths of another machine are looked for by their last parts, which is said", "[cpu]") {
  const DataSet set;
  set.write("val.txt", "data/images/val/c.jpg\nD:\\photos\\images\\val\\d e.jpeg\n");
  const BoxAnnotations read =
      set.read("path: ../datasets/pets\ntrain: /content/drive/pets/images/train\nval: val.txt\n" + kNames);
  REQUIRE(words_of(read) == kAll);
  REQUIRE(read.splits == kSplits);
  REQUIRE_THAT(doubts_of(read), Contains("its 'path' ../datasets/pets is not there") &&
                                    Contains("'train: /content/drive/pets/images/train' is not there") &&
                                    Contains("2 images are not where lists say") &&
                                    Contains("data/images/val/c.jpg as"));
}

TEST_CASE("Photographs need not be there, nor a folder 'images'", "[cpu]") {
  const Files files;
  files.write("labels/train/a.txt", kLabel);
  files.write("data.yaml", "train: images/train\n" + kNames);
  REQUIRE(words_of(read_yolo_boxes(files.directory.path())) == "images/train/a" + kDog);
  const Files flat;
  flat.write("pets/a.jpg", "");
  flat.write("pets/a.txt", kLabel);
  flat.write("pets/classes.txt", "cow\n");
  flat.write("data.yaml", "train: pets\n" + kNames);
  REQUIRE(words_of(read_yolo_boxes(flat / "data.yaml")) == "pets/a" + kDog);
}

TEST_CASE("Roboflow's folders are read, where each split has its images and labels", "[cpu]") {
  const Files files;
  for (const char* split : {"train", "valid"}) {
    files.write(fmt::format("{}/images/{}.jpg", split, split), "");
    files.write(fmt::format("{}/labels/{}.txt", split, split), kLabel);
  }
  files.write("README.roboflow.txt", "Pets, 2 images");
  files.write("data.yaml",
              "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['cat', 'dog']\n\n"
              "roboflow:\n  workspace: w\n  license: CC BY 4.0\n");
  const BoxAnnotations read = read_yolo_boxes(files.directory.path());
  REQUIRE(words_of(read) == "train/images/train" + kDog + "\nvalid/images/valid" + kDog);
  REQUIRE(read.splits == Splits{{"train", {"train/images/train"}}, {"val", {"valid/images/valid"}}});
  REQUIRE_THAT(doubts_of(read), Contains("left out: test: ../test/images"));
}

TEST_CASE("Images in two splits, or twice in a list, are said", "[cpu]") {
  const DataSet set;
  set.write("val.txt", "images/val/c.jpg\nimages/val/c.jpg\nimages/train/a.jpg\n");
  REQUIRE_THAT(doubts_of(set.read("train: images/train\nval: val.txt\n" + kNames)),
               Contains("1 image stands twice in a split") && Contains("'images/val/c' in val") &&
                   Contains("1 image is in two splits") && Contains("'images/train/a' in train and in val"));
}

TEST_CASE("Sets of poses have boxes, and their points are not read", "[cpu]") {
  const DataSet set;
  set.write("labels/train/a.txt", "1 .5 .5 .5 .5 .1 .1 2 .2 .2 1\n1 .5 .5 .5 .5 .1 .1\n");
  const BoxAnnotations read = set.read("train: images/train\nkpt_shape: [2, 3]  # points\n" + kNames);
  REQUIRE(words_of(read) == "images/train/a" + kDog);
  REQUIRE_THAT(doubts_of(read), Contains("1 box has points of a pose, which are not read"));
  REQUIRE(read.bad_boxes.size() == 1);
  REQUIRE_THAT(read.bad_boxes[0], Contains("a.txt: line 2: has 7 numbers") && Contains("or 'kpt_shape' in"));
}

TEST_CASE("A data.yaml with 'nc' alone has classes by number", "[cpu]") {
  const BoxAnnotations read = DataSet().read("train: images/train\nnc: 2\n");
  REQUIRE(read.class_names == std::vector<std::string>{"class 0", "class 1"});
  REQUIRE_THAT(doubts_of(read), Contains("says how many classes there are and not their names"));
}

TEST_CASE("A data.yaml that cannot be meant is refused with its place and a way out", "[cpu]") {
  const DataSet set;
  const std::string train = "train: images/train\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {train, "is no data.yaml"},
      {train + "names:\n", "data.yaml: names no classes"},
      {train + "names: cat\n", "data.yaml:2: 'names' is 'cat', expected a list"},
      {train + "names: {0: cat, 2: dog}\n", "data.yaml:2: the class number 1 has no name, but 2 has one"},
      {train + "names:\n  0: cat\n  0: dog\n", "data.yaml:4: class number 0 has the name 'cat' in line 3 already"},
      {train + "names: {cat: 0}\n", "'cat' is no class number"},
      {train + "names: [cat, dog, cat]\n", "class numbers 0 and 2 are both named 'cat'"},
      {train + "names: [cat, '']\n", "class number 1 has an empty name"},
      {train + "nc: 3\nnames: [cat, dog]\n", "'nc' says 3 classes, but 'names' has 2"},
      {train + "nc: many\nnames: [cat, dog]\n", "data.yaml:2: 'nc' is no number of classes"},
      {"train: https://x.org/a.zip\n" + kNames, "data.yaml:1: 'https://x.org/a.zip' is no path"},
      {"train: images/*.jpg\n" + kNames, "is no path"},
      {"train: nowhere\nval: neither\n" + kNames, "none of its folders and lists of images is below"},
      {"train:\n  a: b\n" + kNames, "'train' is a mapping"},
      {"val: images/val\nvalid: images/val\n" + kNames, "'valid' means the same split"},
      {train + "path: [a, b]\n" + kNames, "'path' is no text"},
      {train + "kpt_shape: 17\n" + kNames, "'kpt_shape' is no [POINTS, NUMBERS]"},
  };
  for (const auto& [yaml, words] : cases) {
    CAPTURE(yaml);
    REQUIRE_THAT(set.refusal(yaml), Contains(words));
  }
  fs::remove_all(set / "labels");
  REQUIRE_THAT(set.refusal(train + kNames), Contains("none of its 2 images has labels; the first is looked for as") &&
                                                Contains("labels/train/a.txt"));
  fs::remove(set / "data.yaml");
  set.write("one.yaml", train + kNames);
  set.write("two.yaml", train + kNames);
  REQUIRE_THAT(refusal_of([&] { read_yolo_boxes(set.directory.path()); }), Contains("holds one.yaml and two.yaml"));
}
