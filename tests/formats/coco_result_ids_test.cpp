// What COCO results call images and classes.
#include "common/data/formats/coco/coco_result_ids.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

Dataset dataset_of(const std::vector<std::pair<std::string, std::string>>& ids_and_sources,
                   std::vector<std::string> class_ids = {}) {
  Dataset dataset;
  dataset.class_names = {"background", "cat", "dog"};
  dataset.class_ids = std::move(class_ids);
  for (const auto& [id, source] : ids_and_sources) {
    dataset.splits["all"].push_back(static_cast<int64_t>(dataset.images.size()));
    dataset.images.push_back({});
    dataset.images.back().id = id;
    dataset.images.back().source_id = source;
  }
  return dataset;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("results have the ids of COCO's annotations", "[cpu]") {
  const auto ids = coco_result_ids(dataset_of({{"b", "139"}, {"a", "-5"}}, {"17", "90"}));
  CHECK(ids.images == Texts{"139", "-5"});
  CHECK(ids.classes == Texts{"", "17", "90"});
  CHECK(ids.remarks.empty());
}

TEST_CASE("ids that are texts stay texts where the annotations are COCO's", "[cpu]") {
  Dataset dataset = dataset_of({{"b", "été \"1\""}, {"a", "000139"}}, {"c-1", "2"});
  dataset.facts["format of the boxes"] = "COCO JSON";
  const auto ids = coco_result_ids(dataset);
  CHECK(ids.images == Texts{R"("été \"1\"")", R"("000139")"});
  CHECK(ids.classes == Texts{"", R"("c-1")", R"("2")"});
  CHECK(ids.remarks.empty());
}

TEST_CASE("without ids of the annotations names of digits are numbers, and others are counted", "[cpu]") {
  auto ids = coco_result_ids(dataset_of({{"000000000139", ""}, {"27", "labels/27.txt"}}));
  CHECK(ids.images == Texts{"139", "27"});
  CHECK(ids.classes == Texts{"", "1", "2"});
  REQUIRE(ids.remarks.size() == 2);
  CHECK_THAT(ids.remarks[0], Contains("139 of '000000000139'"));
  CHECK_THAT(ids.remarks[1], Contains("1 is 'cat'"));
  for (const char* other : {"2007_000033", "27", "-27", "99999999999999999999", ""}) {
    CAPTURE(other);
    ids = coco_result_ids(dataset_of({{"27", "7"}, {other, "a.txt"}}));
    CHECK(ids.images == Texts{"1", "2"});
    CHECK_THAT(ids.remarks.at(0), Contains("from 1 on, 1 is '27'"));
  }
  CHECK(coco_result_ids(dataset_of({{"a", "7"}, {"b", "7"}})).images == Texts{"1", "2"});  // no two have one id
}

TEST_CASE("other ids, another order and other sizes of photographs have another digest", "[cpu]") {
  const auto digest = [](const Dataset& d) { return digest_of_result_ids(coco_result_ids(d), d, "all"); };
  const Dataset first = dataset_of({{"a", "1"}, {"b", "2"}}, {"1", "2"});
  CHECK(digest(first) == digest(dataset_of({{"a", "1"}, {"b", "2"}}, {"1", "2"})));
  Dataset larger = first, turned = first;
  larger.images[0].source_size = {20, 30};
  turned.splits["all"] = {1, 0};
  for (const Dataset& other : {dataset_of({{"a", "1"}, {"b", "3"}}, {"1", "2"}),
                               dataset_of({{"a", "1"}, {"b", "2"}}, {"1", "3"}), larger, turned})
    CHECK(digest(other) != digest(first));
}
