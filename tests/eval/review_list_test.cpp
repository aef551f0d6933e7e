// review.csv, and the page that follows it.
#include "eval/review/review_list.h"

#include "common/pipeline/plan/receipts.h"
#include "tests/eval/made_up_run.h"
#include "tests/eval/report_program.h"
#include "tests/support/failure.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Two photographs, one of them used as a smaller copy, with four boxes and a crowd.
Dataset two_photographs() {
  Dataset d;
  d.class_names = {"background", "cat, small", "dog"};
  d.box_numbers = BoxNumbers::edges;
  d.images.resize(2);
  d.images[0].path = "a \"1\", b.jpg";
  d.images[0].size = {40, 60};
  d.images[0].boxes = {{1, 2, 11, 22, 1}, {0, 0, 30, 30, 2}, {5, 5, 50, 35, 2, false, true}};
  d.images[1].path = "copies/c.jpg";
  d.images[1].source_path = "c.jpg";
  d.images[1].size = {50, 50};
  d.images[1].source_size = {100, 100};
  d.images[1].boxes = {{1, 2, 11, 22, 1}, {1, 2, 11, 22, 1}};
  d.images[1].box_ids = {"7", "x,8"};
  d.splits["all"] = {0, 1};
  return d;
}

std::vector<ReviewedBox> reviewed() {
  const auto mask = [](int64_t pixels) { return BoxMask{pixels, 1000, 10, 20, 2}; };
  return {{1, 1, mask(10), 4.5}, {0, 0, mask(100), 0.25}, {0, 1, mask(990), 3.5}, {1, 0, mask(500), -1}};
}

}  // namespace

TEST_CASE("a review list comes back as it was written") {
  const Dataset d = two_photographs();
  const std::string text = review_csv(d, reviewed());
  CHECK_THAT(text, Contains("1,c.jpg,\"x,8\",\"cat, small\",2,4,22,44,0.010,0.500,2,4.50,\"empty, odd box\"\n"));
  const auto list = read_review_csv(text, "review.csv", d, "all");
  REQUIRE(list.has_value());
  CHECK(*list == listed(reviewed()));
  CHECK(list->at(1) == ListedBox{0, 0, "sparse"});
  CHECK(list->at(2) == ListedBox{0, 1, "overfull, odd box"});
}

TEST_CASE("what is no list of exactly the boxes of the split is not read") {
  const Dataset d = two_photographs();
  const std::string text = review_csv(d, reviewed());
  const auto is_read = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const size_t at = other.find(from);
    REQUIRE(at != std::string::npos);
    return read_review_csv(other.replace(at, from.size(), to), "review.csv", d, "all").has_value();
  };
  CHECK(is_read("0.500", "0.400"));  // which no page shows
  const std::string last = text.substr(text.find("\n4,") + 1);
  CHECK_FALSE(is_read(last, ""));
  CHECK_FALSE(is_read(last, "4" + text.substr(text.find("\n3,") + 2)));
  CHECK_FALSE(is_read(last, last + "5" + last.substr(1)));
  CHECK_FALSE(is_read("\n2,", "\n3,"));
  CHECK_FALSE(is_read("c.jpg", "d.jpg"));
  CHECK_FALSE(is_read("x,8", "x,9"));
  CHECK_FALSE(is_read("cat", "cow"));
  CHECK_FALSE(is_read(",22,44,", ",22,45,"));
  CHECK_FALSE(is_read("overfull", "full"));
  CHECK_FALSE(is_read(",oddness", ""));
  CHECK_FALSE(is_read("rank", "place"));
  CHECK_FALSE(read_review_csv("", "review.csv", d, "all").has_value());
  Dataset other = d;
  other.splits["all"] = {0};
  CHECK_FALSE(read_review_csv(text, "review.csv", other, "all").has_value());
  other = d;
  other.images[1].box_ids = {"7", "7"};
  CHECK_FALSE(read_review_csv(review_csv(other, reviewed()), "review.csv", other, "all").has_value());
  CHECK(failure_of([&] { read_review_csv("rank,\"image", "review.csv", d, "all"); }).mentions("review.csv: line 1"));
}

TEST_CASE("the page follows the review list that was made of its labels, and no other") {
  TemporaryDirectory dir;
  const fs::path run = dir / "run";
  Dataset d = make_run(run, 3);
  for (auto& image : d.images) image.mask_path = image.mask_digest = "";
  write_dataset(run / "dataset.h5", d);
  write_file(dir / "own.ini", "[pipeline]\ntrain-split = val\n");
  const RunPlan plan({.presets = dir.path(), .variants = dir.path(), .preset = "own"});
  const std::optional<Dataset> dataset = d;
  const RunLayout layout{run};
  const RunSources sources{d.root, {}, {}, {}};
  Receipts receipts(plan, layout, sources, dataset);
  const auto page = [&] {
    const auto result = report(fmt::format("--run '{0}' --output '{0}/report'", run.string()));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return read_file(run / "report/index.html");
  };

  const std::string made_anew = page();
  std::vector<ReviewedBox> boxes = review_boxes(d, "val", run / "stage2/bap/val", 1);
  write_file(layout.review(), review_csv(d, boxes));
  receipts.record({WorkKind::review, ""});
  CHECK(page() == made_anew);

  std::reverse(boxes.begin(), boxes.end());
  boxes[0].mask = {0, 1000, 0, 0, 0};
  boxes[0].oddness = 100;
  const std::string of_first = d.class_names[static_cast<size_t>(
      d.images[static_cast<size_t>(boxes[0].image)].boxes[static_cast<size_t>(boxes[0].box)].class_id)];
  write_file(layout.review(), review_csv(d, boxes));
  CHECK(page() == made_anew);  // nobody has recorded this one
  receipts.record({WorkKind::review, ""});
  CHECK_THAT(page(), Contains((of_first == "square" ? "square" : "disc &amp; co") + std::string(": empty, odd box")));

  Manifest manifest = read_manifest(run / "stage2/bap/val/manifest.h5");
  manifest.fingerprint = "2";
  write_manifest(run / "stage2/bap/val/manifest.h5", manifest);
  CHECK_THAT(page(), !Contains("empty, odd box"));
}
