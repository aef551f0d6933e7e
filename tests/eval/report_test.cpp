// These tests make the report page through the program.

#include "common/base/files.h"
#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/pipeline/stage/fingerprints.h"
#include "eval/report/gallery.h"
#include "eval/report/html.h"
#include "eval/report/report_page.h"
#include "tests/eval/made_up_run.h"
#include "tests/eval/report_program.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("the report of a whole run is one file with scores, curves and pictures that needs no network") {
  TemporaryDirectory dir;
  const fs::path run = dir / "my <run>";
  make_run(run, 16);
  const auto result = report(fmt::format("--run '{}' --output '{}' --images 4", run.string(), (dir / "out").string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const std::string html = read_file(dir / "out/index.html");

  REQUIRE(html.starts_with("<!DOCTYPE html>"));
  REQUIRE_THAT(html, Contains("<h1>my &lt;run&gt;</h1>"));
  REQUIRE_THAT(html, !Contains("<run>"));
  REQUIRE_THAT(html, Contains("disc &amp; co") && !Contains("disc & co"));
  // Nothing is fetched: every source is inside the file.
  REQUIRE_THAT(html, !Contains("http://") && !Contains("https://") && !Contains("//cdn") && !Contains("<script") &&
                         !Contains("@import") && !Contains("<link rel=\"stylesheet\""));
  REQUIRE(count(html, "src=\"") == count(html, "src=\"data:image/"));
  REQUIRE(count(html, "url(") == count(html, "url(data:image/"));

  // The numbers of metrics.json stand in the page.
  const Metrics metrics = read_metrics(run / "metrics.json");
  for (const std::string key : {"stage2/bap/val/y_crf/miou", "stage3/nal/val/crf/miou",
                                "baseline/val/filled_boxes/miou", "stage2/gap/val/y_crf/per_class/square"})
    REQUIRE_THAT(html, Contains(fmt::format("{:.1f}", metrics.at(key).get<double>())));
  for (const std::string text : {"filled boxes + CRF",
                                 "GrabCut",
                                 "bap: Y_crf",
                                 "bap: Y_ret",
                                 "gap: Y_crf",
                                 "nal: plain",
                                 "nal: CRF",
                                 "true_masks: CRF",
                                 "Over seeds",
                                 "Stage 1, classifier",
                                 "Stage 3, segmentation network",
                                 "loss_wce",
                                 "learning_rate",
                                 "<svg",
                                 "Best",
                                 "Worst",
                                 "attention A",
                                 "bap u0",
                                 "bap CAM",
                                 "disagreement",
                                 "truth",
                                 "image and boxes",
                                 "What ran",
                                 "1 min 15 s"})
    REQUIRE_THAT(html, Contains(text));
  REQUIRE(count(html, "<article class=\"card\"") == 4);
  REQUIRE_THAT(html, !Contains("Not shown"));
  // One more seed is no row of its own in charts and table, but can be unfolded.
  const size_t folded = html.find("<details><summary>2 rows of variants");
  REQUIRE(folded != std::string::npos);
  REQUIRE(html.find("bap@2: Y_crf") > folded);
  REQUIRE(html.find("bap: Y_crf") < folded);
  REQUIRE_THAT(html, !Contains("NaN") && !Contains("nan\"") && !Contains(">nan"));

  // The page is a function of what it shows.
  REQUIRE(report(fmt::format("--run '{}' --output '{}' --images 4 --threads 1", run.string(), (dir / "again").string()))
              .exit_code == 0);
  REQUIRE(read_file(dir / "again/index.html") == html);

  REQUIRE(report(fmt::format("--check '{}'", (dir / "out/index.html").string())).exit_code == 0);
  write_file(dir / "out/cut.html", html.substr(0, html.size() / 2));
  const auto cut = report(fmt::format("--check '{}'", (dir / "out/cut.html").string()));
  REQUIRE(cut.exit_code == 3);
  REQUIRE_THAT(cut.err, Contains("cut.html: cut short"));
}

TEST_CASE("a page changes only with a fingerprint, whatever its pictures are encoded with") {
  TemporaryDirectory dir;
  const fs::path run = dir / "run";
  make_run(run, 8);
  REQUIRE(report(fmt::format("--run '{}' --output '{}'", run.string(), (dir / "out").string())).exit_code == 0);
  std::string html = read_file(dir / "out/index.html");
  const std::string picture = "data:image/", folder = dir.path().string();
  for (size_t at = 0; (at = html.find(picture, at)) != std::string::npos;) html.erase(at, html.find('"', at) - at);
  for (size_t at = 0; (at = html.find(folder, at)) != std::string::npos;) html.erase(at, folder.size());
  if (std::getenv("BOXSEG_KEEP") != nullptr) write_file(dir / "page.html", html);
  CHECK(kReportFingerprint + " " + Hasher().text(html).digest() == test::recorded_results("report.page"));
}

TEST_CASE("parts that a run does not have are left out of the report with a note") {
  TemporaryDirectory dir;
  const fs::path run = dir / "run";
  make_run(run, 5);
  const auto page = [&] {
    const auto result = report(fmt::format("--run '{}' --output '{}'", run.string(), (dir / "out").string()));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return read_file(dir / "out/index.html");
  };
  fs::remove_all(run / "stage2/bap/val/attention");
  fs::remove(run / "stage2/bap/val/manifest.h5");
  std::string html = page();
  REQUIRE_THAT(html,
               Contains("stage2/bap/val/attention holds no shards") && !Contains("bap CAM") && Contains("bap Y_crf"));

  fs::remove(run / "stage2/bap/val/Y_crf/set a/2.png");
  REQUIRE_THAT(page(), Contains("1 of 5 images have no label map yet"));

  fs::remove_all(run / "stage2");
  REQUIRE_THAT(page(), Contains("nal plain") && !Contains("bap Y_crf</b>"));

  fs::remove_all(run / "stage3");
  fs::remove_all(run / "stage1");
  REQUIRE_THAT(page(), Contains("no training log") && Contains("There are no labels of split"));

  fs::remove(run / "metrics.json");
  REQUIRE_THAT(page(), Contains("metrics.json holds no mIoU"));

  Dataset elsewhere = read_dataset(run / "dataset.h5");
  elsewhere.root = "/nowhere/VOC2012";
  write_dataset(run / "dataset.h5", elsewhere);
  REQUIRE_THAT(page(), Contains("The images are not in /nowhere/VOC2012"));

  fs::remove(run / "dataset.h5");
  const auto nothing = report(fmt::format("--run '{}' --output '{}'", run.string(), (dir / "out").string()));
  REQUIRE(nothing.exit_code == 3);
  REQUIRE_THAT(nothing.err, Contains("nothing of a run"));
}

TEST_CASE("what commands by hand leave in folders of any name is shown, of a split that is there") {
  TemporaryDirectory dir;
  make_run(dir / "run", 4);
  Dataset d = read_dataset(dir / "run/dataset.h5");
  d.splits = {{"train", {0, 1, 2}}, {"other", {3}}};
  write_dataset(dir / "index.h5", d);
  const fs::path out = dir / "out";
  fs::create_directories(out);
  fs::rename(dir / "run/stage2/bap/val", out / "my labels");
  fs::rename(dir / "run/stage3/nal/predictions/val/crf", out / "masks");
  fs::rename(dir / "run/stage1/bap", out / "net");
  Manifest m = read_manifest(out / "my labels/manifest.h5");
  m.options["split"] = "train";
  m.inputs["dataset"] = d.digest("train", false);
  write_manifest(out / "my labels/manifest.h5", m);
  m.program = "stage1_classify";
  m.outputs.clear();
  write_manifest(out / "net/manifest.h5", m);
  m.program = "stage3_segment predict";
  m.options["crf"] = "true";
  m.options["split"] = "other";
  write_manifest(out / "masks/manifest.h5", m);
  m.inputs = {{"images", "of a folder"}};
  write_manifest(out / "elsewhere/manifest.h5", m);
  fs::create_directories(out / "no result");

  const std::string usual = fmt::format("--run '{}' --dataset '{}' --output '{}'", out.string(),
                                        (dir / "index.h5").string(), (out / "page").string());
  const auto result = report(usual);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("images of split train are shown; --split shows those of other"));
  std::string html = read_file(out / "page/index.html");
  CHECK(count(html, "<article class=\"card\"") == 3);
  for (const std::string text :
       {"Images of split <b>train</b>", "my labels Y_crf", "my labels Y_ret", "my labels u0", "my labels CAM",
        "Stage 1, classifier", "<th>net</th>", "elsewhere holds predictions of photographs that are in no dataset"})
    CHECK_THAT(html, Contains(text));
  CHECK_THAT(html, !Contains("masks CRF</b>"));

  REQUIRE(report(usual + " --split other").exit_code == 0);
  html = read_file(out / "page/index.html");
  CHECK_THAT(html, Contains("masks CRF</b>") && !Contains("my labels Y_crf</b>"));
  CHECK(count(html, "<article class=\"card\"") == 1);

  // One such folder is enough, and so is the index in it.
  REQUIRE(report(fmt::format("--run '{}' --dataset '{}' --output '{}'", (out / "my labels").string(),
                             (dir / "index.h5").string(), (dir / "one").string()))
              .exit_code == 0);
  CHECK_THAT(read_file(dir / "one/index.html"), Contains("my labels Y_crf") && Contains("my labels CAM"));
  fs::rename(dir / "index.h5", out / "dataset.h5");
  const auto own = report(fmt::format("--run '{}' --output '{}'", out.string(), (dir / "own").string()));
  CHECK_THAT(own.err, Contains("images of split train"));
  CHECK_THAT(read_file(dir / "own/index.html"), Contains("my labels Y_crf"));
}

TEST_CASE("a page that fails leaves no folder behind") {
  TemporaryDirectory dir;
  make_run(dir / "run", 3);
  fs::create_directories(dir / "empty");
  const std::string out = fmt::format(" --output '{}'", (dir / "new/folder/page").string());
  for (const std::string& run : {std::string("none"), std::string("empty"), std::string("run' --split 'tset")}) {
    const auto result = report(fmt::format("--run '{}/{}'", dir.path().string(), run) + out);
    INFO(result.err);
    REQUIRE(result.exit_code != 0);
    CHECK(!fs::exists(dir / "new"));
  }
  fs::create_directories(dir / "new/folder/page");
  REQUIRE(report(fmt::format("--run '{}/none'", dir.path().string()) + out).exit_code == 3);
  CHECK(fs::exists(dir / "new/folder/page"));  // which was there before
  REQUIRE(report(fmt::format("--run '{}/run'", dir.path().string()) + out).exit_code == 0);
  CHECK(fs::exists(dir / "new/folder/page/index.html"));
}

TEST_CASE("a page of own photographs begins with the pictures, and links to the masks and the review") {
  TemporaryDirectory dir;
  const fs::path run = dir / "run";
  make_run(run, 3);
  const std::string masks = "<a href=\"../masks/\">", review = "<a href=\"../review.csv\">";
  const auto page = [&](const fs::path& folder) {
    const auto result = report(fmt::format("--run '{}' --output '{}'", run.string(), folder.string()));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return read_file(folder / "index.html");
  };
  write_file(run / "masks/masks.json", "{}");
  std::string html = page(run / "report");
  CHECK(html.find("id=\"gallery\"") > html.find("id=\"training\""));
  CHECK_THAT(html, !Contains(masks));

  Dataset d = read_dataset(run / "dataset.h5");
  d.facts["boxes from"] = "boxes.json";
  for (auto& image : d.images) image.mask_path = image.mask_digest = "";
  write_dataset(run / "dataset.h5", d);
  html = page(run / "report");
  CHECK(html.find("id=\"gallery\"") < html.find("id=\"scores\""));
  CHECK(html.find("id=\"gallery\"") < html.find("id=\"training\""));
  CHECK(html.find(masks) < html.find("id=\"gallery\""));
  CHECK_THAT(html, !Contains(review));
  CHECK_THAT(html, Contains("sparse (under 20 %)") && Contains("<b>Y_crf</b>, the masks that the CRF makes of these"));
  write_file(run / "review.csv", "rank\n");
  html = page(run / "report");
  CHECK(html.find(review) < html.find("id=\"gallery\""));
  CHECK_THAT(page(dir / "elsewhere"), !Contains("href=\"../"));
}

TEST_CASE("the table of scores has columns for what was measured, and says what they mean") {
  TemporaryDirectory dir;
  make_run(dir / "run", 3);
  const auto page = [&] {
    REQUIRE(report(fmt::format("--run '{}' --output '{}' --images 0", (dir / "run").string(), (dir / "out").string()))
                .exit_code == 0);
    return read_file(dir / "out/index.html");
  };
  const Metrics metrics = read_metrics(dir / "run/metrics.json");
  std::string html = page();
  CHECK_THAT(html, Contains("<th>pixel accuracy</th><th>box IoU</th><th>boxes over 80</th><th>disc") ||
                       Contains("<th>pixel accuracy</th><th>box IoU</th><th>boxes over 80</th><th>background"));
  CHECK_THAT(html, Contains(fmt::format("<td>{:.1f}</td><td>{:.1f}</td>",
                                        metrics.at("stage2/bap/val/y_crf/box_iou").get<double>(),
                                        metrics.at("stage2/bap/val/y_crf/box_iou_over_80").get<double>())));
  CHECK_THAT(html, Contains("Box IoU is the mean over boxes") && !Contains("boundary F"));

  merge_metrics(dir / "run/metrics.json", "stage3/nal/val/crf",
                {{"miou", 50.0}, {"pacc", 60.0}, {"boundary_f", 43.21}});
  html = page();
  CHECK_THAT(html,
             Contains("<th>boundary F</th>") && Contains("<td>60.0</td><td>&ndash;</td><td>&ndash;</td><td>43.2</td>"));
  CHECK_THAT(html, Contains("Boundary F says"));
}

TEST_CASE("images are ranked by the mIoU of each alone, those without truth last") {
  TemporaryDirectory dir;
  const Dataset d = make_run(dir / "run", 11);
  const RunFolder run = open_run(dir / "run", {});
  const auto ranked = rank_images(d, "val", *run.find_labels("stage2/bap/val/y_crf"), 2);
  REQUIRE(ranked.size() == 11);
  // write_shifted_truth moves image i by i % 5 steps: images 0 and 5 are perfect.
  REQUIRE(ranked[0].miou == Approx(100));
  REQUIRE((ranked[0].index == 0 && ranked[1].index == 5));
  for (size_t i = 1; i < 10; ++i) REQUIRE(ranked[i - 1].miou >= ranked[i].miou);
  REQUIRE((ranked[10].index == 10 && std::isnan(ranked[10].miou)));

  GalleryOptions options;
  REQUIRE(ranking_set(run, options)->key == "stage2/bap/val/y_crf");
  options.rank_by = "stage3/nal/val/plain";
  REQUIRE(ranking_set(run, options)->key == "stage3/nal/val/plain");
  options.rank_by = "stage3/nal/val/plane";
  REQUIRE_THROWS_WITH(ranking_set(run, options), Contains("no such labels") && Contains("stage3/nal/val/plain"));
}

TEST_CASE("the page says which masks are another tool's, and measures no label against the true mask that it is") {
  TemporaryDirectory dir;
  make_run(dir / "run", 11);
  fs::remove_all(dir / "run/stage3");
  fs::remove_all(dir / "run/stage2/gap");
  const auto page = [&] {
    GalleryOptions options;
    options.images = 20;
    return report_page(open_run(dir / "run", {}), std::nullopt, options, dir / "page");
  };
  const std::string before = page();
  REQUIRE_THAT(before, Contains("mIoU 100.0") && Contains("<span>100.0</span>") && !Contains("another tool"));
  const fs::path path = dir / "run/stage2/bap/val/manifest.h5";
  Manifest manifest = read_manifest(path);
  manifest.facts = {{"images", "11"}, {"given_masks", "7"}};
  write_manifest(path, manifest);
  REQUIRE_THAT(page(), Contains("7 of 11 images have masks of another tool as Y_crf") && Contains("mIoU 100.0"));
  manifest.facts = {{"images", "11"}, {"true_masks", "10"}};
  manifest.options["true-masks"] = "keep";
  write_manifest(path, manifest);
  const std::string kept = page();
  REQUIRE_THAT(kept, Contains("10 of 11 images keep their true mask") && !Contains("mIoU 100.0") &&
                         !Contains("<span>100.0</span>"));
  INFO("numbers that were measured before the masks were kept");
  REQUIRE_THAT(before, Contains("<th>bap: Y_crf</th>"));
  REQUIRE_THAT(kept, !Contains("<th>bap: Y_crf</th>") && Contains("<th>filled boxes</th>"));
}

TEST_CASE("report refuses what it cannot use") {
  TemporaryDirectory dir;
  const std::string out = (dir / "out").string();
  const auto refused = [&](const std::string& arguments, int code, const std::string& text) {
    const auto result = report(arguments);
    INFO(arguments << "\n" << result.err);
    REQUIRE(result.exit_code == code);
    REQUIRE_THAT(result.err, Contains(text));
  };
  refused(fmt::format("--output '{}'", out), 2, "--run is missing");
  refused(fmt::format("--run '{}/none' --output '{}'", dir.path().string(), out), 3, "no such folder");
  refused(fmt::format("--run '{}' --output '{}' --imags 3", dir.path().string(), out), 2, "did you mean --images");
  make_run(dir / "run", 3);
  const fs::path shard = dir / "run/stage2/bap/val/attention/shard-0000-of-0001.h5",
                 labels = dir / "run/stage2/gap/val/Y_crf/set a/1.png";
  const std::string whole = read_file(shard), png = read_file(labels);
  const std::string usual = fmt::format("--run '{}' --output '{}'", (dir / "run").string(), out);
  write_file(shard, whole.substr(0, whole.size() / 2));
  refused(usual, 3, "shard-0000-of-0001.h5");
  write_file(shard, whole);
  write_file(labels, png.substr(0, png.size() / 2));
  refused(usual, 3, "gap/val/Y_crf/set a/1.png");
  write_file(labels, png);
  REQUIRE(!fs::exists(fs::path(out) / "index.html"));  // nothing half-written
  REQUIRE(report(usual).exit_code == 0);
  write_file(dir / "run/metrics.json", "[1, 2");
  refused(fmt::format("--run '{}' --output '{}'", (dir / "run").string(), out), 3, "metrics.json: not a metrics file");
}
