// The real programs run through Makefile.pipeline, with the preset `tiny`: what runs, what reruns, and what survives a
// kill.
#include <algorithm>
#include <map>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/text.h"
#include "common/data/dataset.h"
#include "common/io/label_png.h"
#include "common/io/manifest.h"
#include "common/pipeline/plan/metrics_file.h"
#include "common/pipeline/plan/shell.h"
#include "common/pipeline/stage/fingerprints.h"
#include "tests/pipeline/signalled_run.h"
#include "tests/pipeline/tiny_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

int64_t count_files(const fs::path& dir, const std::string& extension) {
  int64_t count = 0;
  std::error_code ignored;
  for (auto it = fs::recursive_directory_iterator(dir, ignored); !ignored && it != fs::recursive_directory_iterator();
       it.increment(ignored))
    count += it->path().extension() == extension ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("one command makes everything, the second finds nothing to do, and why says so", "[slow]") {
  const fs::path run = undisturbed();
  for (const char* file : {"dataset.h5", "stage1/bap/classifier.pt", "stage2/bap/val/manifest.h5",
                           "stage3/nal/segmenter.pt", "metrics.json", "report/index.html"})
    REQUIRE(fs::exists(run / file));
  const std::string metrics = read_file(run / "metrics.json");
  for (const char* key : {"stage2/bap/val/y_crf/miou", "baseline/val/filled_boxes/miou", "stage3/nal/val/crf/miou"})
    REQUIRE_THAT(metrics, Contains(key));
  const auto start = std::chrono::steady_clock::now();
  const auto again = make(run, "");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  REQUIRE(again.exit_code == 0);
  REQUIRE(ran(again).empty());
  std::printf("nothing to do: %.2f s\n", seconds);
  REQUIRE_THAT(make(run, "why").out, Contains("up to date"));
  const auto unknown = make(run, "stage1/bapp");
  REQUIRE(unknown.exit_code != 0);
  REQUIRE_THAT(unknown.err, Contains("stage1/bapp: no piece of work") && Contains(" stage1/bap "));
}

TEST_CASE("a changed option reruns its stage and what follows, and nothing before it", "[slow]") {
  const fs::path run = undisturbed();
  const auto dry = make(run, "-n SET=stage2.threshold=0.5");
  const auto names = ran(dry);
  REQUIRE(any_starts_with(names, "stage2/bap/train"));
  REQUIRE(any_starts_with(names, "stage3/nal"));
  REQUIRE_FALSE(any_starts_with(names, "stage3/true_masks"));
  REQUIRE(any_starts_with(names, "evaluate/stage2/bap/val/y_crf"));
  REQUIRE_FALSE(any_starts_with(names, "stage1"));
  REQUIRE_FALSE(any_starts_with(names, "dataset"));
  REQUIRE_THAT(make(run, "why SET=stage2.threshold=0.5").out, Contains("option threshold was 0.99, is 0.5"));
  REQUIRE(ran(make(run, "")).empty());
}

TEST_CASE("a stage started by hand on finished work says so and ends", "[slow]") {
  const fs::path run = undisturbed();
  const auto result = test::run_command(
      fmt::format("{}/stage1_classify --config {} --dataset {} --output {} --threads 1", BOXSEG_BIN_DIR,
                  shell_quote((run / "config/stage1-bap.ini").string()), shell_quote((run / "dataset.h5").string()),
                  shell_quote((run / "stage1/bap").string())));
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.err, Contains("up to date"));
}

TEST_CASE("SIGKILL in the middle of any stage, then the same command: the bytes of an undisturbed run", "[slow]") {
  const auto expected = contents(undisturbed());
  test::TemporaryDirectory dir;
  const fs::path run = dir / "a run";
  const auto has = [&](const char* file) { return fs::exists(run / file); };
  ::setenv("BOXSEG_CHECKPOINT_EVERY_STEPS", "5", 1);
  struct Moment {
    const char* what;
    std::function<bool()> is_now;
  };
  const std::vector<Moment> moments = {
      {"dataset", [&] { return count_files(run / "data", ".jpg") > 3; }},
      {"stage 1", [&] { return has("stage1/bap/checkpoint.pt"); }},
      {"stage 2", [&] { return count_files(run / "stage2/bap/train/Y_crf", ".png") > 3; }},
      {"stage 3", [&] { return has("stage3/nal/checkpoint.pt"); }},
      {"prediction", [&] { return count_files(run / "stage3/nal/predictions", ".png") > 1; }},
  };
  int killed = 0;
  for (const auto& moment : moments) {
    const int status = make_and_signal(run, "", SIGKILL, moment.is_now);
    if (status != -1 && WIFSIGNALED(status))
      ++killed;
    else
      WARN(moment.what << " was over before the signal came");
  }
  ::unsetenv("BOXSEG_CHECKPOINT_EVERY_STEPS");
  REQUIRE(killed >= 3);
  REQUIRE(make(run, "").exit_code == 0);
  REQUIRE(contents(run) == expected);
}

TEST_CASE(
    "all stages take the device path when asked to, go on after SIGKILL with equal bytes, and label as the CPU's own",
    "[slow][device]") {
  const std::string environment = std::string(kSameArithmetic) + "BOXSEG_DEVICE_PATH=1 ";
  const test::TemporaryDirectory dir;
  const fs::path whole = dir / "whole", broken = dir / "broken";
  const auto result = test::run_command(make_command(whole, "predict", environment));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const auto count = [&](const std::string& text) {
    int64_t found = 0;
    for (size_t at = result.err.find(text); at != std::string::npos; at = result.err.find(text, at + 1)) ++found;
    return found;
  };
  REQUIRE(count("BOXSEG_DEVICE_PATH=1: the device path is taken") >= 4);  // a program of each kind

  const int status = run_and_signal(make_command(broken, "predict", environment) + " >/dev/null 2>&1", SIGKILL,
                                    [&] { return fs::exists(broken / "stage1/bap/checkpoint.pt"); });
  REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  REQUIRE(test::run_command(make_command(broken, "predict", environment)).exit_code == 0);
  REQUIRE(contents(broken) == contents(whole));

  // Sums in another order move labels only where two classes are as good as equal.
  int64_t pixels = 0, different = 0, maps = 0;
  for (const auto& entry : fs::recursive_directory_iterator(whole)) {
    const fs::path name = fs::relative(entry.path(), whole);
    if (entry.path().extension() != ".png" || !name.string().starts_with("stage")) continue;
    const LabelMap a = read_label_png(entry.path()), b = read_label_png(undisturbed() / name);
    REQUIRE(a.pixels.size() == b.pixels.size());
    for (size_t i = 0; i < a.pixels.size(); ++i) different += a.pixels[i] != b.pixels[i];
    pixels += static_cast<int64_t>(a.pixels.size());
    ++maps;
  }
  std::printf("device path: %lld of %lld labels differ, in %lld maps\n", static_cast<long long>(different),
              static_cast<long long>(pixels), static_cast<long long>(maps));
  REQUIRE(maps > 40);
  REQUIRE(different * 2000 <= pixels);
}

TEST_CASE("a table makes what its cells need, shows it beside the published numbers, and is then up to date",
          "[slow]") {
  test::TemporaryDirectory dir;
  const fs::path run = dir / "tables";
  const auto made = make(run, "table3");
  INFO(made.out << made.err);
  REQUIRE(made.exit_code == 0);
  REQUIRE(any_starts_with(ran(made), "stage1/gap"));
  REQUIRE(any_starts_with(ran(made), "stage2/bap_u_b/val"));
  REQUIRE_FALSE(any_starts_with(ran(made), "stage3"));
  REQUIRE_THAT(made.out, Contains("| BAP Y_crf w/o u0 |") && Contains("79.2"));
  REQUIRE_THAT(read_file(run / "tables/table3.md"), !Contains("not there yet"));
  REQUIRE(ran(make(run, "table3")).empty());

  // Of two tables, each stays up to date when the other's numbers come.
  REQUIRE(make(run, "table2").exit_code == 0);
  REQUIRE(ran(make(run, "table3")).empty());
  // While it is made again with another option, numbers of the old one are not shown.
  const auto other = make(run, "table3 SET=stage2.threshold=0.5");
  REQUIRE_THAT(other.out, Contains("table3: 1 of 5 values"));
  REQUIRE(make(run, "table3").exit_code == 0);

  // This makes the rest of the run.
  REQUIRE_FALSE(any_starts_with(ran(make(run, "")), "stage1"));
  REQUIRE_THAT(read_file(run / "report/index.html"), Contains("BAP Y_crf w/o u0"));
  REQUIRE(ran(make(run, "")).empty());
  REQUIRE_THAT(make(run, "-n table3 SEEDS='1 2'").out, Contains("stage1/gap@2"));
  REQUIRE(make(run, "table99").exit_code != 0);
}

TEST_CASE("a variant that fails does not cost its siblings their cells, and the table says which are missing",
          "[slow]") {
  test::TemporaryDirectory dir;
  const fs::path run = dir / "tables";
  // Something stands where the folder of gap's labels belongs.
  write_file(run / "stage2/gap", "in the way");
  const auto broken = make(run, "table3");
  INFO(broken.out << broken.err);
  REQUIRE(broken.exit_code != 0);
  REQUIRE(any_starts_with(ran(broken), "evaluate/stage2/bap_u_b/val/y_crf"));
  REQUIRE_FALSE(any_starts_with(ran(broken), "table/table3"));
  REQUIRE_THAT(broken.out, Contains("table3: 1 of 5 values") && Contains("table3: 4 of 5 values"));
  const size_t shown_at_the_end = broken.out.find("| GAP | not yet |");
  REQUIRE(shown_at_the_end != std::string::npos);
  REQUIRE(shown_at_the_end > broken.out.find("table3: 4 of 5 values"));
  const std::string table = read_file(run / "tables/table3.md");
  REQUIRE_THAT(table, Contains("| GAP | not yet |") && Contains("1 of 5 values is not there yet") &&
                          !Contains("| BAP Y_crf | not yet"));
  REQUIRE_THAT(read_file(run / "tables/table3.html"), Contains("not yet"));

  fs::remove(run / "stage2/gap");
  const auto mended = make(run, "table3");
  INFO(mended.out << mended.err);
  REQUIRE(mended.exit_code == 0);
  REQUIRE_FALSE(any_starts_with(ran(mended), "stage1"));
  REQUIRE_THAT(read_file(run / "tables/table3.md"), !Contains("not yet"));
  REQUIRE(ran(make(run, "table3")).empty());
}

TEST_CASE("verify finds a changed byte that size and time hide, and the next run mends it", "[slow]") {
  const fs::path run = undisturbed(), victim = run / "stage2/bap/val/Y_crf";
  const auto before = contents(run);
  REQUIRE(make(run, "verify").exit_code == 0);
  fs::path png;
  for (const auto& entry : fs::directory_iterator(victim)) png = entry.path();
  std::string bytes = read_file(png);
  const auto time = fs::last_write_time(png);
  bytes[bytes.size() / 2] ^= 1;
  write_file(png, bytes);
  fs::last_write_time(png, time);
  REQUIRE(ran(make(run, "")).empty());
  const auto verdict = make(run, "verify");
  REQUIRE(verdict.exit_code != 0);
  REQUIRE_THAT(verdict.err, Contains(png.filename().string()) && Contains("stage2/bap/val is damaged"));
  const auto mended = make(run, "");
  REQUIRE(mended.exit_code == 0);
  REQUIRE(ran(mended).front() == "stage2/bap/val");
  REQUIRE_FALSE(any_starts_with(ran(mended), "stage3"));
  REQUIRE(contents(run) == before);
  REQUIRE(make(run, "verify").exit_code == 0);
}

TEST_CASE("a signal ends a training stage with exit code 75 within ten seconds, and it goes on from there", "[slow]") {
  const fs::path reference = undisturbed();
  const auto quoted = [&](const char* name) { return shell_quote((reference / name).string()); };
  const std::string data = " --dataset " + quoted("dataset.h5") + " --threads 1 --quiet --iterations 1000000";
  const std::string stage1 = "stage1_classify --config " + quoted("config/stage1-bap.ini"),
                    stage3 = "stage3_segment train --config " + quoted("config/stage3-nal.ini") + " --labels " +
                             quoted("stage2/bap/train");
  for (const auto& [stage, signal] : std::vector<std::pair<std::string, int>>{
           {stage1, SIGTERM}, {stage1, SIGHUP}, {stage1, SIGUSR1}, {stage3, SIGTERM}, {stage3, SIGUSR2}}) {
    test::TemporaryDirectory dir;
    CAPTURE(stage, signal);
    std::chrono::steady_clock::time_point sent;
    const auto has_trained = [&] {
      sent = std::chrono::steady_clock::now();
      return fs::exists(dir / "out/log.jsonl") && fs::file_size(dir / "out/log.jsonl") > 0;
    };
    const std::string command = fmt::format("exec env {} {}/{}{} --output {}", kSameArithmetic, BOXSEG_BIN_DIR, stage,
                                            data, shell_quote((dir / "out").string()));
    const int status = run_and_signal(command, signal, has_trained);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 75);
    CHECK_NOFAIL(std::chrono::steady_clock::now() - sent <
                 std::chrono::seconds(10));  // a loaded machine may take longer
    REQUIRE(fs::exists(dir / "out/checkpoint.pt"));
    REQUIRE_FALSE(fs::exists(dir / "out/manifest.h5"));
  }
}

TEST_CASE("results change only with a fingerprint", "[slow]") {
  const fs::path run = undisturbed();
  for (const auto& [name, folder] :
       std::map<std::string, std::string>{{"stage1.run", "stage1/bap"},
                                          {"stage2.run", "stage2/bap/val"},
                                          {"stage3.run", "stage3/nal"},
                                          {"predict.run", "stage3/nal/predictions/val/crf"}}) {
    const Manifest manifest = read_manifest(run / folder / "manifest.h5");
    Hasher hasher;
    for (const auto& output : manifest.outputs) hasher.text(output.path).text(output.digest);
    CAPTURE(name, manifest.fingerprint);
    CHECK(manifest.fingerprint + " " + hasher.digest() == test::recorded_results(name));
  }
}

TEST_CASE("an index and the numbers of an evaluation change only with a fingerprint", "[slow]") {
  const fs::path run = undisturbed();
  const Dataset dataset = read_dataset(run / "dataset.h5");
  Hasher index;  // not of files' bytes, which are those of the system's codecs
  for (const auto& name : dataset.class_names) index.text(name);
  for (const auto& [split, images] : dataset.splits) {
    index.text(split);
    for (const int64_t i : images) {
      const ImageEntry& image = dataset.images[static_cast<size_t>(i)];
      index.text(fmt::format("{} {} {} {}", image.id, image.size.height, image.size.width, image.mask_path));
      for (const Box& b : image.boxes)
        index.text(fmt::format("{} {} {} {} {} {}", b.class_id, b.x0, b.y0, b.x1, b.y1, b.is_difficult));
    }
  }
  CHECK(kPrepareFingerprint + " " + index.digest() == test::recorded_results("prepare.run"));
  Hasher numbers;
  for (const auto& [key, value] : read_metrics(run / "metrics.json"))
    if (!key.ends_with("/inputs") && !key.ends_with("/recorded")) numbers.text(key).text(value.dump());
  CHECK(kEvaluateFingerprint + " " + numbers.digest() == test::recorded_results("evaluate.run"));
}
