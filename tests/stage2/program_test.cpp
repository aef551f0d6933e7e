// The program itself runs on a small made-up dataset and an untrained tiny network.
#include <algorithm>
#include <cmath>
#include <map>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/data/boxes.h"
#include "common/data/dataset.h"
#include "common/io/hdf5.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/labels/shard.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "tests/stage2/small_world.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

TEST_CASE("a run leaves labels, maps and a manifest of them, and does nothing the second time", "[stage2]") {
  const SmallWorld world;
  must_run(world.command("out"));
  const fs::path out = world.dir / "out";
  const Manifest manifest = read_manifest(out / "manifest.h5");
  CHECK(manifest.program == "stage2_pseudolabel");
  CHECK(manifest.facts.at("classes") == "background\nred\ngreen\nblue");
  CHECK(manifest.outputs.size() == 12 * 2 + 1);
  CHECK(manifest.inputs.count("dataset") == 1);
  CHECK(manifest.inputs.count("checkpoint") == 1);
  CHECK(manifest.facts.at("images") == "12");
  std::map<int, int64_t> pixels_of_label;
  for (const auto& output : manifest.outputs) {
    INFO(output.path);
    CHECK(static_cast<int64_t>(fs::file_size(out / output.path)) == output.size_bytes);
    if (!output.path.ends_with(".png")) continue;
    const LabelMap labels = read_label_png(out / output.path);
    CHECK(digest_of_labels(labels) == output.digest);
    CHECK((labels.height == 48 && labels.width == 64));
    for (const uint8_t p : labels.pixels) ++pixels_of_label[p];
  }
  CHECK(pixels_of_label.size() == 4);  // all classes were found somewhere: the labels are not trivial
  const auto no_boxes = read_label_png(out / "Y_crf/folder/image 3.png");
  CHECK(std::count(no_boxes.pixels.begin(), no_boxes.pixels.end(), 0) == 48 * 64);
  CHECK_FALSE(fs::exists(out / "attention/shard-0000-of-0001.journal"));
  CHECK_FALSE(fs::exists(out / "attention/shard-0000-of-0001.spool"));

  const auto before = fs::last_write_time(out / "manifest.h5");
  const auto again = must_run(world.command("out"));
  CHECK_THAT(again.err, Contains("up to date"));
  CHECK(fs::last_write_time(out / "manifest.h5") == before);
  CHECK_THAT(
      must_run(fmt::format("'{}/stage2_pseudolabel' --check '{}'", BOXSEG_BIN_DIR, (out / "manifest.h5").string())).out,
      Contains("25 files"));

  {
    INFO("a label that was touched is found by --check, a missing one makes the run go again");
    write_label_png(out / "Y_ret/image_0.png", LabelMap(48, 64, 1));
    const auto check = run_command(
        fmt::format("'{}/stage2_pseudolabel' --check '{}'", BOXSEG_BIN_DIR, (out / "manifest.h5").string()));
    CHECK(check.exit_code == 3);
    CHECK_THAT(check.err, Contains("Y_ret/image_0.png"));
    fs::remove(out / "Y_ret/image_0.png");
    CHECK_THAT(must_run(world.command("out")).err, !Contains("up to date"));
    CHECK(fs::exists(out / "Y_ret/image_0.png"));
  }
  {
    INFO("another option makes it again");
    const auto changed = must_run(world.command("out", "--threshold 0.5"));
    CHECK_THAT(changed.err, !Contains("up to date"));
    CHECK(read_manifest(out / "manifest.h5").options.at("threshold") == "0.5");
  }
}

TEST_CASE("boxes that get no label are named at the end, also after a kill and by shards", "[stage2]") {
  const SmallWorld world;
  // This CRF lets large things swallow small ones.
  const std::string options = "--bilateral 8,40,20 --gaussian 6,5";
  const CommandResult done = must_run(world.command("out", options));
  const Manifest manifest = read_manifest(world.dir / "out/manifest.h5");
  const Dataset dataset = read_dataset(world.dir / "dataset.h5");
  std::vector<std::string> expected;
  size_t boxes_of_all = 0;
  for (const auto& image : dataset.images) {
    const LabelMap labels = read_label_png(world.dir / "out" / y_crf_file(image.id));
    const auto boxes = pixel_boxes(image.boxes, image.size, BoxConvention::reference);
    boxes_of_all += boxes.size();
    for (size_t b = 0; b < boxes.size(); ++b) {
      int64_t pixels = 0;
      for (int64_t y = boxes[b].y0; y < boxes[b].y1; ++y)
        for (int64_t x = boxes[b].x0; x < boxes[b].x1; ++x) pixels += labels.at(y, x) == boxes[b].class_id;
      const Box& box = image.boxes[b];
      if (pixels == 0)
        expected.push_back(fmt::format("{}: {} at {},{} to {},{}", image.id,
                                       dataset.class_names[static_cast<size_t>(box.class_id)], box.x0, box.y0, box.x1,
                                       box.y1));
    }
  }
  REQUIRE(expected.size() > 1);
  REQUIRE(expected.size() < boxes_of_all);
  CHECK(manifest.facts.at("boxes_without_labels") == join(expected, "\n"));
  CHECK_THAT(done.err, Contains(fmt::format("warning: {} boxes have no pixel of their class in Y_crf: {}; ",
                                            expected.size(), expected.front())));
  if (expected.size() > 10) CHECK_THAT(done.err, Contains("more, all as boxes_without_labels in "));

  // What an earlier run has finished is told again, and what shards have told is in the manifest of all.
  fs::remove(world.dir / "out/manifest.h5");
  for (int shard = 0; shard < 2; ++shard)
    must_run(world.command("parts", options + fmt::format(" --shard {}/2", shard)));
  auto merged = split(read_manifest(world.dir / "parts/manifest.h5").facts.at("boxes_without_labels"), '\n');
  std::sort(merged.begin(), merged.end());
  std::sort(expected.begin(), expected.end());
  CHECK(merged == expected);
}

TEST_CASE("shards together give what one run gives, and the last one writes the manifest", "[stage2]") {
  const SmallWorld world;
  must_run(world.command("one"));
  must_run(world.command("many", "--shard 2/3"));
  must_run(world.command("many", "--shard 0/3"));
  const fs::path many = world.dir / "many";
  CHECK_FALSE(fs::exists(many / "manifest.h5"));
  const std::string merge = fmt::format("'{}/stage2_pseudolabel' merge --output '{}'", BOXSEG_BIN_DIR, many.string());
  const auto too_early = run_command(merge);
  CHECK(too_early.exit_code == 3);
  CHECK_THAT(too_early.err, Contains("shards 1/3 are not done"));
  must_run(world.command("many", "--shard 1/3"));
  const Manifest one = read_manifest(world.dir / "one/manifest.h5"), all = read_manifest(many / "manifest.h5");
  CHECK(labels_digest(one) == labels_digest(all));
  CHECK(all.outputs.size() == one.outputs.size() + 2);
  CHECK(all.facts.at("images") == "12");
  CHECK(labels_in(bytes_of(many), "Y_") == labels_in(bytes_of(world.dir / "one"), "Y_"));
  fs::remove(many / "manifest.h5");
  must_run(merge);
  CHECK(read_manifest(many / "manifest.h5").digest() == all.digest());
  CHECK_THAT(must_run(world.command("many")).err, Contains("up to date"));  // it is up to date however it was divided

  {
    INFO("a shard made with other options is not merged with the rest");
    must_run(world.command("many", "--shard 1/3 --threshold 0.4"));
    CHECK_FALSE(fs::exists(many / "manifest.h5"));
    const auto refused = run_command(merge);
    CHECK(refused.exit_code == 3);
    CHECK_THAT(refused.err, Contains("shard 1/3") && Contains("threshold"));
  }
  {
    INFO("another division replaces the first");
    must_run(world.command("many", "--shard 0/2 --threshold 0.5"));
    CHECK_FALSE(fs::exists(many / "manifest.h5"));
    CHECK((find_shard_manifests(many) == std::vector<Shard>{{0, 2}}));
  }
}

TEST_CASE("attention shards give Y_crf again without the network, for any number of threads", "[stage2]") {
  const SmallWorld world;
  must_run(world.command("out", "--threads 2"));
  for (const char* threads : {"1", "2", "5"}) {
    INFO(threads);
    must_run(world.from_attention("out", std::string("again") + threads, std::string("--threads ") + threads));
    const fs::path again = world.dir / (std::string("again") + threads);
    CHECK(labels_in(bytes_of(again), "Y_") == labels_in(bytes_of(world.dir / "out"), "Y_crf"));
    const Manifest manifest = read_manifest(again / "manifest.h5");
    CHECK(manifest.outputs.size() == 12);  // no Y_ret, no shard
    CHECK(manifest.inputs.count("attention") == 1);
  }
  {
    INFO("other thresholds and kernels need no network");
    must_run(world.from_attention("out", "other", "--threshold 0.2 --bilateral 0,55,3"));
    must_run(world.command("direct", "--threshold 0.2 --bilateral 0,55,3"));
    CHECK(labels_in(bytes_of(world.dir / "other"), "Y_crf") == labels_in(bytes_of(world.dir / "direct"), "Y_crf"));
    CHECK(labels_in(bytes_of(world.dir / "other"), "Y_crf") != labels_in(bytes_of(world.dir / "out"), "Y_crf"));
  }
  {
    INFO("the background's own map is there, too");
    must_run(world.from_attention("out", "other", "--background u_b"));
    must_run(world.command("direct", "--background u_b"));
    CHECK(labels_in(bytes_of(world.dir / "other"), "Y_crf") == labels_in(bytes_of(world.dir / "direct"), "Y_crf"));
  }
  {
    INFO("what the maps depend on may not differ");
    const auto refused = run_command(world.from_attention("out", "other", "--grid 4"));
    CHECK(refused.exit_code == 2);
    CHECK_THAT(refused.err, Contains("--grid 1"));
  }
  {
    INFO("a run from attention is no source itself");
    const auto refused = run_command(world.from_attention("again1", "other"));
    CHECK(refused.exit_code == 3);
    CHECK_THAT(refused.err, Contains("lists no attention shards"));
  }
  {
    INFO("a shard cut in half is refused by name");
    const fs::path shard = world.dir / "out/attention/shard-0000-of-0001.h5";
    fs::resize_file(shard, fs::file_size(shard) / 2);
    for (const auto& command : {world.from_attention("out", "other"),
                                fmt::format("'{}/stage2_pseudolabel' --check '{}'", BOXSEG_BIN_DIR, shard.string())}) {
      const auto refused = run_command(command);
      CHECK(refused.exit_code == 3);
      CHECK_THAT(refused.err, Contains("shard-0000-of-0001.h5"));
    }
  }
}

TEST_CASE("killed at any moment, the same command goes on and gives the bytes of an undisturbed run",
          "[stage2][slow]") {
  const SmallWorld world(60, {160, 200});
  must_run(world.command("whole"));
  int resumed = 0, kills = 0;
  for (int delay = 45;; delay += delay / 6) {  // hundredths of a second
    const auto result =
        run_command(fmt::format("timeout -s KILL {}.{:02} {}", delay / 100, delay % 100, world.command("killed")));
    resumed += result.err.find("were finished before") != std::string::npos;
    INFO(result.err);
    if (result.exit_code == 0) break;
    REQUIRE(result.exit_code == 137);
    REQUIRE(++kills < 200);
    // Killed on its last steps it leaves a manifest, which says that everything is there: the next round says so, too.
    if (fs::exists(world.dir / "killed/manifest.h5"))
      CHECK(labels_in(bytes_of(world.dir / "killed"), "Y_") == labels_in(bytes_of(world.dir / "whole"), "Y_"));
  }
  CHECK(resumed > 0);
  CHECK(bytes_of(world.dir / "killed") == bytes_of(world.dir / "whole"));
  CHECK(read_manifest(world.dir / "killed/manifest.h5").digest() ==
        read_manifest(world.dir / "whole/manifest.h5").digest());
}

TEST_CASE("SIGTERM ends the program with 75, and the same command goes on", "[stage2][slow]") {
  const SmallWorld world(60, {160, 200});
  must_run(world.command("whole"));
  bool was_interrupted = false;
  for (int delay = 40; !was_interrupted; delay += 15) {  // hundredths of a second
    fs::remove_all(world.dir / "stopped");
    const auto result = run_command(fmt::format("timeout --preserve-status -k 10 -s TERM {}.{:02} {}", delay / 100,
                                                delay % 100, world.command("stopped")));
    INFO(result.err);
    REQUIRE(result.exit_code != 0);  // it ended before any signal hit it in the middle: the delays are too coarse
    if (result.exit_code == 128 + 15) continue;  // so early that it did not watch for signals yet
    REQUIRE(result.exit_code == 75);             // 137: it took more than ten seconds
    CHECK_THAT(result.err, Contains("interrupted"));
    CHECK_FALSE(fs::exists(world.dir / "stopped/manifest.h5"));
    const auto resumed = must_run(world.command("stopped"));
    CHECK(bytes_of(world.dir / "stopped") == bytes_of(world.dir / "whole"));
    was_interrupted = resumed.err.find("were finished before") != std::string::npos;  // else no image was finished yet
  }
  CHECK(was_interrupted);
}

TEST_CASE("bad images are refused by name, or skipped and recorded", "[stage2]") {
  const SmallWorld world;
  const fs::path photo = world.dir / "photos/4.png";
  fs::resize_file(photo, fs::file_size(photo) / 2);
  const auto refused = run_command(world.command("out"));
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("photos/4.png"));
  CHECK_FALSE(fs::exists(world.dir / "out/manifest.h5"));
  must_run(world.command("out", "--on-bad-image skip"));
  const Manifest manifest = read_manifest(world.dir / "out/manifest.h5");
  CHECK(manifest.facts.at("skipped") == "image_4");
  CHECK(manifest.facts.at("images_skipped") == "1");
  CHECK(manifest.outputs.size() == 11 * 2 + 1);

  {
    INFO("another photo of the same size is not what was indexed");
    fs::copy_file(world.dir / "photos/6.png", photo, fs::copy_options::overwrite_existing);
    const auto changed = run_command(world.command("other"));
    CHECK(changed.exit_code == 3);
    CHECK_THAT(changed.err, Contains("photos/4.png") && Contains("run prepare again"));
  }
}

TEST_CASE("a network of numbers that are not finite is refused, and no image is skipped for it", "[stage2]") {
  const SmallWorld world(3);
  auto network = make_network({.backbone = "tiny", .classes = 4}, 1);
  const auto run_with_weights = [&](float value) {
    for (Parameter& p : network->parameters()) p.value.detach().fill_(value);
    write_checkpoint(world.dir / "classifier.pt", make_checkpoint(*network, {}));
    auto result = run_command(world.command("out", "--on-bad-image skip"));
    CHECK_FALSE(fs::exists(world.dir / "out/manifest.h5"));
    return result;
  };
  const auto overflowing = run_with_weights(1e30f);
  CHECK(overflowing.exit_code == 1);
  CHECK_THAT(overflowing.err, Contains("not finite"));
  const auto diverged = run_with_weights(NAN);
  CHECK(diverged.exit_code == 3);
  CHECK_THAT(diverged.err, Contains("classifier.pt") && Contains("are NaN or infinite"));
}

TEST_CASE("what does not fit is said before any work", "[stage2]") {
  const SmallWorld world(2);
  const auto refuse = [&](const std::string& command, int code, const std::string& text) {
    const auto result = run_command(command);
    INFO(command << "\n" << result.err);
    CHECK(result.exit_code == code);
    CHECK_THAT(result.err, Contains(text));
    CHECK_FALSE(fs::exists(world.dir / "out/attention"));
  };
  refuse(world.command("out", "--shard 3/3"), 2, "--shard 3/3");
  refuse(world.command("out", "--split vall"), 2, "all");
  refuse(world.command("out", "--treshold 0.5"), 2, "threshold");
  refuse(world.command("out", "--bilateral 4,-1,3"), 2, "bilateral");
  refuse(world.command("out", "--from-attention somewhere"), 2, "give one of the two");
  refuse(world.command("out", "--class-map cat=red"), 2, "the classifier, whose name stands first, has no class 'cat'");
  refuse(world.from_attention("somewhere", "out", "--class-map red=green"), 2,
         "--class-map red=green: is of a --checkpoint");
  refuse(world.command("out", "--checkpoint nowhere.pt"), 3, "nowhere.pt");
  refuse(world.command("out", "--dataset nowhere.h5"), 3, "nowhere.h5");
  write_file(world.dir / "cut.pt", read_file(world.dir / "classifier.pt").substr(0, 5000));
  refuse(world.command("out", "--checkpoint '" + (world.dir / "cut.pt").string() + "'"), 3, "cut.pt");
  auto wrong = make_network({.backbone = "tiny", .classes = 7}, 1);
  write_checkpoint(world.dir / "wrong.pt", make_checkpoint(*wrong, {}));
  refuse(world.command("out", "--checkpoint '" + (world.dir / "wrong.pt").string() + "'"), 3,
         "7 classes without names");
  write_checkpoint(world.dir / "segmenter.pt", make_checkpoint(*wrong, {{"kind", "segmenter"}}));
  refuse(world.command("out", "--checkpoint '" + (world.dir / "segmenter.pt").string() + "'"), 3,
         "classifier.pt of stage 1");
  write_file(world.dir / "file", "");
  refuse(world.command("file/out"), 2, "--output");
}
