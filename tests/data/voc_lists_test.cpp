#include "common/data/formats/voc/voc_lists.h"

#include "common/base/log.h"
#include "common/data/formats/voc/voc.h"
#include "tests/data/voc_folder.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string doubt(const std::string& split, const std::string& list, int64_t images) {
  return wrong_length({split, list, images, {}}, voc_lists());
}

// Returns shorter lists than VOC's, so that folders of two images are whole.
std::vector<KnownList> short_lists(int64_t train, int64_t val) {
  return {{{"train"}, train, "SOURCE OF TRAIN"},
          {{"val"}, val, "SOURCE OF VAL"},
          {{"trainaug", "train_aug"}, 3, "SOURCE OF TRAINAUG"}};
}

std::vector<std::string> doubts_of(const VocFolder& voc, std::vector<KnownList> known,
                                   const std::string& train = "train", const std::string& masks = "") {
  set_log_level(LogLevel::silent);
  VocOptions options;
  options.root = voc.root;
  options.splits = {{"train", train}, {"val", "val"}};
  options.masks = masks;
  options.known_lists = std::move(known);
  VocReport report;
  index_voc(options, report);
  return report.doubts;
}

}  // namespace

TEST_CASE("Lists of VOC 2012 as long as they should be raise no doubt") {
  for (const auto& [name, images] : std::vector<std::pair<std::string, int64_t>>{{"train", 1464},
                                                                                 {"val", 1449},
                                                                                 {"trainval", 2913},
                                                                                 {"test", 1456},
                                                                                 {"trainaug", 10582},
                                                                                 {"train_aug", 10582}}) {
    CAPTURE(name);
    REQUIRE(doubt(name, "ImageSets/Segmentation/" + name + ".txt", images).empty());
    REQUIRE_THAT(doubt(name, "ImageSets/Segmentation/" + name + ".txt", images - 1),
                 Contains(name + ".txt: names " + with_commas(images - 1)) && Contains(with_commas(images)));
  }
}

TEST_CASE("The name of the list goes before the name of the split") {
  REQUIRE(doubt("train", "sets/train_aug.txt", 10582).empty());
  REQUIRE_THAT(doubt("train", "sets/train_aug.txt", 10581), Contains("10,582") && Contains("SBD"));
  // Lists of other names are their owners' business if they are as long as some known one.
  REQUIRE(doubt("train", "sets/everything", 10582).empty());
  REQUIRE_THAT(doubt("train", "sets/everything", 100), Contains("1,464"));
  REQUIRE(doubt("tuning", "sets/everything", 100).empty());
  REQUIRE_THAT(doubt("train", "sets/train.txt", 10582), Contains("so many has trainaug"));
}

TEST_CASE("A number of thousands has its commas") {
  REQUIRE(with_commas(0) == "0");
  REQUIRE(with_commas(999) == "999");
  REQUIRE(with_commas(10582) == "10,582");
  REQUIRE(with_commas(1234567) == "1,234,567");
}

TEST_CASE("A folder with VOC's classes is held against the known lists, one with its own classes is not") {
  const VocFolder voc;
  REQUIRE_THAT(doubts_of(voc, short_lists(2, 3)).at(1),
               Contains("val.txt: names 2 images") && Contains("has 3") && Contains("SOURCE OF VAL"));
  REQUIRE(doubts_of(voc, short_lists(2, 2)).size() == 1);  // that b has no mask
  write_file(voc.root / "classes.txt", "dog\ncat\n");
  for (const std::string id : {"a", "b", "c"}) voc.add_mask(id, 2);
  voc.add_mask("d/e f", {1, 2});
  REQUIRE(doubts_of(voc, short_lists(7, 7)).empty());
}

TEST_CASE("Images without a mask are counted and named where others of the split have one") {
  const VocFolder voc;
  for (const std::string id : {"p", "q", "r"}) voc.add(id, annotation_xml(object_xml("cat", 5, 6, 20, 25)));
  voc.list("trainaug", "a\nb\np\nq\nr\n");
  const auto doubts = doubts_of(voc, {{{"trainaug"}, 5, "SOURCE OF TRAINAUG"}}, "trainaug");
  REQUIRE(doubts.size() == 1);
  REQUIRE_THAT(doubts[0], Contains("split train: 4 of 5 images have no mask in SegmentationClass: b, p, q, ...") &&
                              Contains("SOURCE OF TRAINAUG"));
  fs::remove(voc.root / "SegmentationClass/a.png");  // then none: boxes alone, on purpose
  REQUIRE(doubts_of(voc, {}, "trainaug").empty());
  REQUIRE(doubts_of(voc, {}, "trainaug", "none").empty());
}

TEST_CASE("A list that is not there says which are, and where a known one comes from") {
  const VocFolder voc;
  REQUIRE_THROWS_WITH(doubts_of(voc, voc_lists(), "train_aug"),
                      Contains("list 'train_aug'") && Contains("there are train, val") && Contains("SBD") &&
                          Contains("SegmentationClassAug") && Contains("cvlab-yonsei/BANA"));
  REQUIRE_THROWS_WITH(doubts_of(voc, voc_lists(), "test.txt"), Contains("evaluation server"));
  REQUIRE_THROWS_WITH(doubts_of(voc, voc_lists(), "mine"), Contains("see --split in --help"));
  voc.list("trainaug", "a\nb\n");
  REQUIRE_THROWS_WITH(doubts_of(voc, voc_lists(), "train_aug"), Contains("trainaug is the same list"));
  write_file(voc.root / "classes.txt", "dog\ncat\n");
  REQUIRE_THROWS_WITH(doubts_of(voc, voc_lists(), "test"),
                      Contains("see --split in --help") && !Contains("evaluation server"));
}
