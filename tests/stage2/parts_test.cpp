// These tests are on class names, shards, and what keeps finished work.
#include <fstream>

#include "common/base/error.h"
#include "common/labels/maps_bytes.h"
#include "common/networks/network.h"
#include "stage2_pseudolabel/class_weights.h"
#include "stage2_pseudolabel/finished.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::vector<std::string> kVoc21 = {"background", "aeroplane", "bicycle",   "bird",   "boat",        "bottle",
                                         "bus",        "car",       "cat",       "chair",  "cow",         "diningtable",
                                         "dog",        "horse",     "motorbike", "person", "pottedplant", "sheep",
                                         "sofa",       "train",     "tvmonitor"};

FeatureMaps some_maps(float value) {
  FeatureMaps maps;
  maps.cells = {1, 2};
  maps.gram.assign(10, value);
  maps.query_maps = {value, 2};
  maps.class_maps = {3, value};
  maps.is_known = {1};
  return maps;
}

}  // namespace

TEST_CASE("classes of another dataset are found by name, VOC's words in COCO's", "[stage2]") {
  const at::Tensor weight = at::arange(21 * 2, at::kFloat).view({21, 2, 1, 1});
  const std::vector<std::string> coco = {"background", "Dining Table", "tv",        "airplane",
                                         "giraffe",    "couch",        "motorcycle"};
  for (const bool has_names : {true, false}) {
    std::map<std::string, std::string> record;
    if (has_names) record["class_names"] = record_list(kVoc21);
    const auto weights = match_classes(weight, record, coco, "f.pt");
    CHECK(weights.row_of_class == std::vector<int64_t>{0, 11, 20, 1, -1, 18, 14});
    CHECK(weights.of(2)[1] == 41);
    CHECK(unknown_classes(weights, coco) == std::vector<std::string>{"giraffe"});
    CHECK_THROWS_AS(weights.of(4), Error);
  }
}

TEST_CASE("a classifier without names fits a dataset with as many classes, and no other", "[stage2]") {
  const at::Tensor weight = at::zeros({3, 2, 1, 1});
  CHECK(match_classes(weight, {}, {"background", "a", "b"}, "f.pt").row_of_class == std::vector<int64_t>{0, 1, 2});
  CHECK_THROWS_WITH(match_classes(weight, {}, {"background", "a"}, "f.pt"),
                    Contains("f.pt") && Contains("3 classes without names"));
  CHECK_THROWS_WITH(match_classes(weight, {{"class_names", "background\na"}}, {"background", "a"}, "f.pt"),
                    Contains("3 classes with 2 names"));
}

TEST_CASE("shards are named I/N and divide a split by the hashes of its ids", "[stage2]") {
  CHECK((parse_shard("") == Shard{0, 1}));
  CHECK((parse_shard("7/16") == Shard{7, 16}));
  for (const char* bad : {"16/16", "-1/4", "3", "1/0", "a/b", "1/2/3", "0/10000"}) {
    INFO(bad);
    try {
      parse_shard(bad);
      FAIL("accepted");
    } catch (const Error& e) {
      CHECK(e.kind() == ErrorKind::usage);
    }
  }
  Dataset dataset;
  for (int i = 0; i < 100; ++i) {
    dataset.images.push_back({});
    dataset.images.back().id = fmt::format("image {}", i);
    dataset.splits["all"].push_back(99 - i);
  }
  dataset.splits["all"].push_back(99);  // stands twice in the list, and is labelled once
  std::vector<int64_t> together;
  for (int64_t s = 0; s < 3; ++s) {
    const auto part = images_of_shard(dataset, "all", {s, 3});
    CHECK(part.size() > 15);
    CHECK(std::is_sorted(part.rbegin(), part.rend()));  // the images are in split order
    together.insert(together.end(), part.begin(), part.end());
  }
  std::sort(together.begin(), together.end());
  CHECK(together.size() == 100);
  CHECK(std::unique(together.begin(), together.end()) == together.end());
  CHECK(shard_of("2007_000033", 16) == shard_of("2007_000033", 16));
  CHECK(shard_file({7, 16}) == "attention/shard-0007-of-0016.h5");
  CHECK(y_crf_file("a/b c.1") == "Y_crf/a/b c.1.png");
}

TEST_CASE("maps survive as bytes, and cut bytes are refused", "[stage2]") {
  const auto maps = some_maps(0.5f);
  const std::string bytes = to_bytes(maps);
  CHECK(maps_from_bytes(bytes) == maps);
  CHECK_THROWS_AS(maps_from_bytes(bytes.substr(0, bytes.size() - 1)), Error);
  CHECK_THROWS_AS(maps_from_bytes(bytes + "x"), Error);
}

TEST_CASE("finished images are taken up again, unless what they left is gone or was made otherwise", "[stage2]") {
  TemporaryDirectory dir;
  const fs::path output = dir / "out";
  const auto add = [&](FinishedImages& finished, const std::string& id, float value) {
    write_file(output / y_crf_file(id), "crf");
    write_file(output / y_ret_file(id), "ret");
    FinishedImage image;
    image.y_crf = "1";
    image.y_ret = "2";
    image.has_maps = image.has_results = true;
    finished.add(id, image, to_bytes(some_maps(value)), {fmt::format("{{\"crf\": \"{}\"}}\n", id), ""});
  };
  {
    FinishedImages finished(output, {0, 1}, "key");
    add(finished, "a", 1);
    add(finished, "b", 2);
    add(finished, "c", 3);
    FinishedImage skipped;
    skipped.reason_skipped = "damaged:\nin two lines";
    finished.add("d", skipped, "");
  }
  const fs::path spool = output / shard_file({0, 1}, ".spool");
  SECTION("all") {
    FinishedImages again(output, {0, 1}, "key");
    CHECK(again.size() == 4);
    CHECK(maps_from_bytes(again.read_maps(again.at("b"))) == some_maps(2));
    CHECK(again.read_results(again.at("c")).y_crf == "{\"crf\": \"c\"}\n");  // the last in the spool
    CHECK(again.read_results(again.at("c")).y_ret.empty());
    CHECK(again.read_results(again.at("d")).y_crf.empty());
    CHECK(again.at("d").reason_skipped == "damaged:\nin two lines");
    CHECK(again.at("a").y_ret == "2");
  }
  SECTION("a label file is gone") {
    fs::remove(output / y_ret_file("b"));
    FinishedImages again(output, {0, 1}, "key");
    CHECK(again.size() == 3);
    CHECK_FALSE(again.holds("b"));
  }
  SECTION("the spool was cut") {
    fs::resize_file(spool, fs::file_size(spool) - 1);
    FinishedImages again(output, {0, 1}, "key");
    CHECK_FALSE(again.holds("c"));
    CHECK(again.holds("b"));
    add(again, "c", 5);
    CHECK(maps_from_bytes(again.read_maps(again.at("c"))) == some_maps(5));
    CHECK(maps_from_bytes(again.read_maps(again.at("a"))) == some_maps(1));
  }
  SECTION("the spool was overwritten") {
    std::fstream file(spool, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.write("?", 1);
    file.close();
    FinishedImages again(output, {0, 1}, "key");
    CHECK_FALSE(again.holds("a"));
    CHECK(again.holds("b"));
  }
  SECTION("other options") {
    FinishedImages again(output, {0, 1}, "other key");
    CHECK(again.size() == 0);
    CHECK(fs::file_size(spool) == 0);
  }
}
