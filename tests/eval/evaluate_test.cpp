// These tests run evaluate as a program, and look at the files it reads and writes.
#include <unistd.h>

#include <thread>

#include "common/pipeline/plan/metrics_file.h"
#include "eval/miou/box_iou.h"
#include "eval/miou/label_folder.h"
#include "tests/eval/made_up_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Makes a dataset of 6 images in DIR/dataset.h5 with labels in DIR/stage2/bap/val/{Y_crf,Y_ret}.
struct Bench {
  TemporaryDirectory dir;
  Dataset dataset;
  fs::path labels;
  Bench() : dataset(make_dataset(dir.path(), 6)), labels(dir / "stage2/bap/val") {
    set_log_level(LogLevel::warning);
    write_shifted_truth(dataset, labels / "Y_crf", 2);
    write_shifted_truth(dataset, labels / "Y_ret", 3);
  }
  CommandResult run(const std::string& verb, const std::string& arguments) const {
    return run_command(fmt::format("'{}/evaluate' {} --dataset '{}' {}", BOXSEG_BIN_DIR, verb,
                                   (dir / "dataset.h5").string(), arguments));
  }
  CommandResult miou(const std::string& arguments = "") const {
    return run("miou", fmt::format("--predictions '{}' {}", (labels / "Y_crf").string(), arguments));
  }
  void refused(const CommandResult& result, int code, const std::vector<std::string>& texts) const {
    INFO(result.err);
    REQUIRE(result.exit_code == code);
    for (const auto& text : texts) REQUIRE_THAT(result.err, Contains(text));
  }
};

double number(const Metrics& metrics, const std::string& key) { return metrics.at(key).get<double>(); }

}  // namespace

TEST_CASE("evaluate miou prints a table and merges its numbers under the key of the folder") {
  const Bench b;
  const fs::path json = b.dir / "metrics.json";
  const auto result = b.miou(
      fmt::format("--json '{}' --record-inputs 'by hand' --confusion '{}'", json.string(), (b.dir / "c.csv").string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.err, Contains("1 of 6 images of split 'val' have no ground-truth mask"));

  Confusion expected(3);
  for (size_t i = 0; i + 1 < b.dataset.images.size(); ++i)
    expected.add(read_truth(b.dataset, b.dataset.images[i]),
                 read_label_png(b.labels / "Y_crf" / (b.dataset.images[i].id + ".png")));
  const Metrics metrics = read_metrics(json);
  const std::string key = "stage2/bap/val/y_crf/";
  REQUIRE(number(metrics, key + "miou") == expected.scores().miou);
  REQUIRE(number(metrics, key + "pacc") == expected.scores().pacc);
  REQUIRE(number(metrics, key + "per_class/disc & co") == expected.scores().iou[1]);
  REQUIRE(metrics.at(key + "images") == 5);
  REQUIRE(metrics.at(key + "unlabelled") == 1);
  REQUIRE(metrics.at(key + "recorded") == "by hand");
  REQUIRE(metrics.at(key + "inputs").get<std::string>().size() == 32);
  REQUIRE_THAT(result.out, Contains("disc & co") && Contains(fmt::format("mIoU {:.2f}", expected.scores().miou)));
  REQUIRE_THAT(read_file(b.dir / "c.csv"),
               Contains(fmt::format("\"disc & co\",{},{}", expected.count(1, 0), expected.count(1, 1))));

  // Any number of threads gives the same file for the same inputs, and other keys stay.
  merge_metrics(json, "stage2/bap/val/y_crf", {{"left_over", 1}});
  merge_metrics(json, "baseline/val/mine", {{"miou", 1.5}});
  REQUIRE(b.miou(fmt::format("--json '{}' --record-inputs 'by hand' --threads 1", json.string())).exit_code == 0);
  Metrics again = read_metrics(json);
  REQUIRE(number(again, "baseline/val/mine/miou") == 1.5);
  again.erase("baseline/val/mine/miou");
  REQUIRE(again == metrics);
  const auto check = run_command(fmt::format("'{}/evaluate' --check '{}'", BOXSEG_BIN_DIR, json.string()));
  REQUIRE(check.exit_code == 0);
}

TEST_CASE("evaluate miou measures the masks of boxes, and contours where it is asked to") {
  const Bench b;
  const fs::path json = b.dir / "metrics.json";
  const std::string key = "stage2/bap/val/y_crf/";
  std::vector<double> ious;
  BoundaryMean contours(3);
  for (size_t i = 0; i + 1 < b.dataset.images.size(); ++i) {
    const ImageEntry& image = b.dataset.images[i];
    const LabelMap truth = read_truth(b.dataset, image),
                   labels = read_label_png(b.labels / "Y_crf" / (image.id + ".png"));
    for (const double iou : box_ious(truth, labels, image, b.dataset.box_numbers)) ious.push_back(iou);
    contours.add(boundary_f(truth, labels, 3));
  }
  const auto plain = b.miou(fmt::format("--json '{}'", json.string()));
  REQUIRE(plain.exit_code == 0);
  Metrics metrics = read_metrics(json);
  CHECK(number(metrics, key + "box_iou") == scores_of_boxes(ious).mean_iou);
  CHECK(number(metrics, key + "box_iou_over_80") == scores_of_boxes(ious).over_80);
  CHECK(metrics.at(key + "boxes") == ious.size());
  CHECK_THAT(plain.out,
             Contains(fmt::format("box IoU {:.2f}  over 80 in {:.2f} % of {} boxes", scores_of_boxes(ious).mean_iou,
                                  scores_of_boxes(ious).over_80, ious.size())));
  CHECK(!metrics.contains(key + "boundary_f"));
  CHECK_THAT(plain.out, !Contains("boundary"));

  for (const char* threads : {"1", "3"}) {
    const auto both = b.miou(fmt::format("--boundary --threads {} --json '{}'", threads, json.string()));
    REQUIRE(both.exit_code == 0);
    metrics = read_metrics(json);
    CHECK(number(metrics, key + "boundary_f") == contours.mean());
    CHECK(number(metrics, key + "per_class_boundary_f/disc & co") == contours.per_class()[1]);
    CHECK(number(metrics, key + "box_iou") == scores_of_boxes(ious).mean_iou);
    CHECK_THAT(both.out, Contains(fmt::format("boundary F {:.2f}", contours.mean())));
  }
}

TEST_CASE("without a box there is nothing to say of boxes") {
  Bench b;
  for (auto& image : b.dataset.images) image.boxes.clear();
  write_dataset(b.dir / "dataset.h5", b.dataset);
  const fs::path json = b.dir / "metrics.json";
  const auto result = b.miou(fmt::format("--json '{}'", json.string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.out, !Contains("boxes"));
  for (const auto& [name, value] : read_metrics(json)) CHECK_THAT(name, !Contains("box"));
}

TEST_CASE("the digest of the inputs follows the labels and the dataset, not their place") {
  const Bench a, b;
  const auto inputs = [](const Bench& bench) {
    REQUIRE(bench.miou(fmt::format("--json '{}'", (bench.dir / "m.json").string())).exit_code == 0);
    return read_metrics(bench.dir / "m.json").at("stage2/bap/val/y_crf/inputs");
  };
  REQUIRE(inputs(a) == inputs(b));
  LabelMap changed(60, 80);
  write_label_png(b.labels / "Y_crf/set a/0.png", changed);
  REQUIRE(inputs(a) != inputs(b));
}

TEST_CASE("evaluate writes over nothing that it reads") {
  const Bench b;
  const fs::path index = b.dir / "dataset.h5", mask = b.dataset.mask_path(b.dataset.images[3]),
                 out = b.dir / "out/set a/2.png";
  const std::string before = read_file(index), truth = read_file(mask);
  fs::create_directories(out.parent_path());
  fs::create_hard_link(mask, out);
  b.refused(b.miou("--confusion '" + index.string() + "'"), 2,
            {"--confusion", "is the file that is read as --dataset"});
  b.refused(b.miou("--json '" + index.string() + "'"), 2, {"--json", "is the file that is read as --dataset"});
  b.refused(b.run("baseline", "--output '" + (b.dir / "out").string() + "'"), 2,
            {"2.png: is the file that is read as", "3.png"});
  b.refused(b.miou("--json /dev/null"), 2, {"--json /dev/null: is a device"});
  const fs::path label = b.labels / "Y_crf/set a/2.png";
  const std::string label_before = read_file(label);
  for (const fs::path& read : {mask, label})
    b.refused(b.miou("--confusion '" + read.string() + "'"), 2,
              {"--confusion", "is the file that is read as", read.filename()});
  b.refused(b.run("baseline", "--confusion '" + mask.string() + "'"), 2, {"--confusion", "3.png"});
  REQUIRE(read_file(label) == label_before);
  REQUIRE(read_file(index) == before);
  REQUIRE(read_file(mask) == truth);
}

TEST_CASE("evaluate baseline scores each kind, and writes its labels when asked") {
  const Bench b;
  const fs::path json = b.dir / "metrics.json";
  for (const auto& kind : baseline_names()) {
    const auto result = b.run("baseline", fmt::format("--kind {0} --json '{1}' --output '{2}/{0}'", kind, json.string(),
                                                      b.dir.path().string()));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    // The written files score the same.
    REQUIRE(b.run("miou", fmt::format("--predictions '{}/{}' --json '{}' --key again/{}", b.dir.path().string(), kind,
                                      json.string(), kind))
                .exit_code == 0);
    const Metrics metrics = read_metrics(json);
    REQUIRE(number(metrics, "again/" + kind + "/miou") == number(metrics, "baseline/val/" + kind + "/miou"));
  }
  const Metrics metrics = read_metrics(json);
  for (const auto& kind : baseline_names()) REQUIRE(number(metrics, "baseline/val/" + kind + "/miou") > 80);
  // The authors' rounding of boxes is another baseline than the exact boxes.
  REQUIRE(b.run("baseline",
                fmt::format("--kind filled_boxes --box-convention exact --json '{}' --key exact", json.string()))
              .exit_code == 0);
  REQUIRE(number(read_metrics(json), "exact/miou") > number(metrics, "baseline/val/filled_boxes/miou"));
  REQUIRE(b.run("baseline", fmt::format("--boundary --json '{}' --key contours", json.string())).exit_code == 0);
  REQUIRE(number(read_metrics(json), "contours/boundary_f") > 0);
  REQUIRE(number(read_metrics(json), "contours/box_iou") == number(metrics, "baseline/val/filled_boxes/box_iou"));
}

TEST_CASE("evaluate agreement judges disagreement in three ways") {
  const Bench b;
  const fs::path json = b.dir / "metrics.json";
  const auto result = b.run("agreement", fmt::format("--y-crf '{0}/Y_crf' --y-ret '{0}/Y_ret' --json '{1}'",
                                                     b.labels.string(), json.string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const Metrics m = read_metrics(json);
  const std::string key = "stage2/bap/val/agreement_";
  REQUIRE(number(m, key + "ignored/miou") > number(m, key + "background/miou"));
  REQUIRE(number(m, key + "ignored/miou") > number(m, key + "wrong/miou"));
  REQUIRE(number(m, key + "ignored/counted_percent") < 100);
  REQUIRE(number(m, key + "ignored/counted_percent") > 50);
  REQUIRE(m.at(key + "wrong/counted_percent") == 100);
  REQUIRE(!m.contains(key + "wrong/box_iou"));  // agreement is about pixels
  REQUIRE_THAT(result.out,
               Contains("disagree: ignored") && Contains("disagree: wrong") && Contains("disagree: background"));
}

TEST_CASE("predictions that do not fit are refused with the file and the value") {
  const Bench b;
  const fs::path file = b.labels / "Y_crf/set a/3.png", json = b.dir / "metrics.json";
  const auto wrong = [&](const std::vector<std::string>& texts) {
    b.refused(b.miou(fmt::format("--json '{}'", json.string())), 3, texts);
    REQUIRE(!fs::exists(json));
  };
  write_label_png(file, LabelMap(60, 79));
  wrong({"set a/3.png: 79 x 60 pixels", "'set a/3' has 80 x 60"});
  write_label_png(file, LabelMap(60, 80, 7));
  wrong({"set a/3", "the value 7", "0 to 2"});
  write_file(file, "no picture");
  wrong({"set a/3.png"});
  fs::remove(file);
  fs::remove(b.labels / "Y_crf/set a/4.png");
  wrong({"2 of 5 images have no label map", "set a/3.png"});
  fs::remove_all(b.labels / "Y_crf");
  wrong({"Y_crf: no such folder"});
}

TEST_CASE("an image without truth needs no prediction, and void pixels may hold any") {
  const Bench b;
  fs::remove(b.labels / "Y_crf/set a/5.png");
  REQUIRE(b.miou().exit_code == 0);
  // The truth is its own prediction, which is 255 where it is void.
  for (int i = 0; i < 5; ++i)
    write_label_png(b.labels / fmt::format("Y_crf/set a/{}.png", i),
                    read_truth(b.dataset, b.dataset.images[static_cast<size_t>(i)]));
  const auto result = b.miou();
  REQUIRE_THAT(result.out, Contains("mIoU 100.00"));
}

TEST_CASE("labels are held against the manifest that lists them") {
  const Bench b;
  Manifest m;
  m.program = "stage2_pseudolabel";
  for (const auto& e : b.dataset.images)
    m.outputs.push_back(
        {"Y_crf/" + e.id + ".png", 1, digest_of_labels(read_label_png(b.labels / "Y_crf" / (e.id + ".png")))});
  write_manifest(b.labels / "manifest.h5", m);
  REQUIRE(LabelFolder(b.labels / "Y_crf").manifest()->program == "stage2_pseudolabel");
  REQUIRE(LabelFolder(b.labels / "Y_crf/").manifest());
  REQUIRE(!LabelFolder(b.labels / "Y_ret").manifest());
  REQUIRE(b.miou().exit_code == 0);
  LabelMap other = read_label_png(b.labels / "Y_crf/set a/2.png");
  other.pixels[0] = 1 - other.pixels[0];
  write_label_png(b.labels / "Y_crf/set a/2.png", other);
  b.refused(b.miou(), 3, {"set a/2.png", "manifest"});
}

TEST_CASE("a truth that does not fit the dataset is named") {
  const Bench b;
  const fs::path mask = b.dataset.root / "masks/1.png";
  write_label_png(mask, LabelMap(60, 80, 9));
  b.refused(b.miou(), 3, {"masks/1.png", "the value 9"});
  write_label_png(mask, LabelMap(61, 80));
  b.refused(b.miou(), 3, {"masks/1.png: 80 x 61", "'set a/1' has 80 x 60"});
  fs::remove(mask);
  b.refused(b.miou(), 3, {"masks/1.png"});
}

TEST_CASE("evaluate refuses command lines it cannot follow") {
  const Bench b;
  b.refused(b.run("mio", ""), 2, {"unknown verb 'mio'", "did you mean 'miou'"});
  b.refused(b.run("", ""), 2, {"--dataset"});
  b.refused(run_command(fmt::format("'{}/evaluate'", BOXSEG_BIN_DIR)), 2, {"a verb is missing"});
  b.refused(b.run("miou", ""), 2, {"--predictions is missing"});
  b.refused(b.miou("--split tset"), 2, {"tset"});
  b.refused(b.miou("--thraeds 2"), 2, {"did you mean --threads"});
  b.refused(b.run("baseline", "--kind grapcut"), 2, {"did you mean 'grabcut'"});
  b.refused(b.run("baseline", "--kind filled_boxes_crf --bilateral 4,55"), 2, {"--bilateral"});
  b.refused(b.run("baseline", "--device gpu"), 2, {"--device gpu"});
  b.refused(
      b.run("miou", fmt::format("--predictions '{}' --json '{}'", b.dir.path().string(), (b.dir / "m.json").string())),
      2, {"--key is missing"});
  b.refused(b.miou(fmt::format("--json '{}' --key a//b", (b.dir / "m.json").string())), 2, {"a//b"});
  b.refused(b.miou("--json /proc/nowhere/m.json"), 2, {"--json /proc/nowhere", "choose another"});
  b.refused(b.run("agreement", "--y-crf x"), 2, {"--y-ret"});
  write_file(b.dir / "text.json", "mIoU: 7");
  b.refused(b.miou(fmt::format("--json '{}'", (b.dir / "text.json").string())), 3, {"text.json: not a metrics file"});
  REQUIRE(read_file(b.dir / "text.json") == "mIoU: 7");
  b.refused(run_command(fmt::format("'{}/evaluate' --check '{}'", BOXSEG_BIN_DIR, (b.dir / "text.json").string())), 3,
            {"text.json"});
}

TEST_CASE("a dataset without masks has nothing to evaluate") {
  Bench b;
  for (auto& image : b.dataset.images) image.mask_path = image.mask_digest = "";
  write_dataset(b.dir / "dataset.h5", b.dataset);
  b.refused(b.miou(), 3, {"none of the 6 images", "ground-truth"});
}

TEST_CASE("programs that merge into one metrics file at once lose nothing") {
  TemporaryDirectory dir;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) merge_metrics(dir / "metrics.json", fmt::format("a/{}", i), {{"miou", i * 10 + k}});
    });
  for (auto& t : threads) t.join();
  const Metrics metrics = read_metrics(dir / "metrics.json");
  REQUIRE(metrics.size() == 8);
  for (int i = 0; i < 8; ++i) REQUIRE(metrics.at(fmt::format("a/{}/miou", i)) == i * 10 + 4);
}

TEST_CASE("a key replaces what stands below it and nothing beside it") {
  TemporaryDirectory dir;
  const fs::path file = dir / "sub/metrics.json";
  merge_metrics(file, "a/b", {{"miou", 1}, {"per_class/x", 2}});
  merge_metrics(file, "a/bc", {{"miou", 3}});
  merge_metrics(file, "a/b", {{"miou", nlohmann::json()}});
  const Metrics metrics = read_metrics(file);
  REQUIRE(metrics.size() == 2);
  REQUIRE(metrics.at("a/b/miou").is_null());
  REQUIRE(metrics.at("a/bc/miou") == 3);
  REQUIRE(read_metrics(dir / "none.json").empty());
}

TEST_CASE("the key of a folder of labels follows from the layout of a run") {
  REQUIRE(key_of_folder("runs/demo/stage2/bap/val/Y_crf") == "stage2/bap/val/y_crf");
  REQUIRE(key_of_folder("runs/demo/stage2/bap@2/val/Y_ret/") == "stage2/bap@2/val/y_ret");
  REQUIRE(key_of_folder("/r/stage3/nal/predictions/val/tta_crf") == "stage3/nal/val/tta_crf");
  REQUIRE(key_of_folder("/r/stage3/nal/val/tta_crf").empty());
  REQUIRE(key_of_folder("masks").empty());
}
