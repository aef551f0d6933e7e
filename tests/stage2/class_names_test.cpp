// Classes of a classifier are found by their names, by other words for them, and by what --class-map says.
#include "stage2_pseudolabel/class_names.h"

#include "common/base/error.h"
#include "tests/support/failure.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Names = std::vector<std::string>;
using Rows = std::vector<int64_t>;

const Names kClassifier = {"background", "cat", "dog", "tvmonitor", "potted plant"};

Rows rows(const Names& dataset, const std::string& class_map = "", const Names& classifier = kClassifier) {
  return match_class_names(classifier, dataset, class_map).row_of_class;
}

}  // namespace

TEST_CASE("a very name goes before another spelling, and that before another word", "[stage2]") {
  const Names classifier = {"background", "TV", "tvmonitor", "tv", "Sofa", "couch"};
  CHECK(rows({"background", "tv", "TV", "tvmonitor", "Tv", "couch", "sofa", "SOFA"}, "", classifier) ==
        Rows{0, 3, 1, 2, 1, 5, 4, 4});
  CHECK(match_class_names(classifier, classifier, "").other_names.empty());
}

TEST_CASE("words of VOC and COCO, case, blanks and underscores make no difference, and are told", "[stage2]") {
  const Names voc = {"background",  "aeroplane", "diningtable", "motorbike",
                     "pottedplant", "sofa",      "tvmonitor",   "zèbre"};
  const Names coco = {"background", "airplane", "dining table", "motorcycle", "potted_plant", "couch", "TV", "zebre"};
  CHECK(rows(coco, "", voc) == Rows{0, 1, 2, 3, 4, 5, 6, -1});
  CHECK(rows(voc, "", coco) == Rows{0, 1, 2, 3, 4, 5, 6, -1});
  const auto matches = match_class_names(voc, coco, "");
  REQUIRE(matches.other_names.size() == 6);
  CHECK(matches.other_names.front() == "aeroplane is taken for airplane");
  CHECK(matches.other_names.back() == "tvmonitor is taken for TV");
}

TEST_CASE("a class map says which class of the classifier stands for one of the dataset", "[stage2]") {
  const Names dataset = {"background", "pet cat", "stray cat", "dog", "écran plat"};
  CHECK(rows(dataset) == Rows{0, -1, -1, 2, -1});
  const std::string map = "cat=pet cat, cat = stray cat ,tvmonitor=écran plat";
  CHECK(rows(dataset, map) == Rows{0, 1, 1, 2, 3});
  CHECK(match_class_names(kClassifier, dataset, map).other_names ==
        Names{"cat is taken for pet cat", "cat is taken for stray cat", "tvmonitor is taken for écran plat"});
  CHECK(rows(dataset, "cat=dog") == Rows{0, -1, -1, 1, -1});  // it goes before the name
  CHECK(rows(dataset, "CAT=Pet_cat,cat=pet cat") == Rows{0, 1, -1, 2, -1});
  CHECK(rows({"background", "a,b", "c=d", "e\\f"}, R"(x\,y=a\,b,u\=v=c\=d,w\\=e\f)",
             {"background", "x,y", "u=v", "w\\"}) == Rows{0, 1, 2, 3});
}

TEST_CASE("a class map that cannot hold is refused with the names that there are", "[stage2]") {
  const Names dataset = {"background", "pet cat", "dog"};
  const auto refused = [&](const std::string& map) {
    const Failure failure = failure_of([&] { rows(dataset, map); });
    CAPTURE(map);
    CHECK(failure.kind == ErrorKind::usage);
    return failure.message;
  };
  CHECK_THAT(refused("kat=pet cat"),
             Contains("the classifier, whose name stands first, has no class 'kat'; did you mean "
                      "'cat'? It has background, cat, dog, tvmonitor, potted plant"));
  CHECK_THAT(refused("cat=pet cta"), Contains("the dataset, whose name stands second, has no class 'pet cta'; did you "
                                              "mean 'pet cat'? It has background, pet cat, dog"));
  CHECK_THAT(refused("cat=zzzzzz"), Contains("no class 'zzzzzz'. It has"));
  CHECK_THAT(refused("dog=dog,pet cat=cat"), Contains("--class-map 'pet cat=cat'") && Contains("the other way round"));
  CHECK_THAT(refused("cat=pet cat,dog=pet cat"), Contains("'pet cat' is 'cat' already"));
  CHECK_THAT(refused("background=dog"), Contains("the background"));
  CHECK_THAT(refused("cat=background"), Contains("the background"));
  for (const char* bad : {"cat", "cat=", "=dog", "cat=pet cat,", ",", "cat=pet cat=dog"})
    CHECK_THAT(refused(bad), Contains("expected CLASSIFIER=DATASET"));
  CHECK(rows(dataset, "background=background") == Rows{0, -1, 2});
}
