// A finished run may meet copies, touches, replaced and damaged files, and read-only file systems afterwards.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/pipeline/tiny_run.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const char* const kNothingToDo = "Everything is up to date.";

// This is a copy of the finished run, under the same name, since the page says it.
struct Copy {
  TemporaryDirectory dir;
  fs::path run;
  explicit Copy(const char* name = "a run") : run(dir / name) {
    fs::copy(undisturbed(), run, fs::copy_options::recursive);
  }
};

// Writes other bytes of the same length and with the same time.
void replace_unnoticed(const fs::path& path, const std::string& bytes) {
  struct stat before {};
  REQUIRE(::stat(path.c_str(), &before) == 0);
  REQUIRE(static_cast<int64_t>(bytes.size()) == before.st_size);
  write_file(path, bytes);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

std::string with_other_digit(std::string text, const std::string& after) {
  const size_t at = text.find_first_of("0123456789", text.find(after) + after.size());
  text[at] = text[at] == '9' ? '8' : static_cast<char>(text[at] + 1);
  return text;
}

}  // namespace

TEST_CASE("touch of everything, and a copy of a run, leave nothing to do", "[slow]") {
  const Copy copy;
  REQUIRE_THAT(make(copy.run, "why").out, Contains(kNothingToDo));
  REQUIRE(run_command("find " + shell_quote(copy.run.string()) + " -exec touch {} +").exit_code == 0);
  REQUIRE_THAT(make(copy.run, "why").out, Contains(kNothingToDo));
  REQUIRE(ran(make(copy.run, "")).empty());
  const fs::path moved = copy.dir / "moved";
  fs::rename(copy.run, moved);
  REQUIRE(ran(make(moved, "")).empty());
}

TEST_CASE("another dataset.h5 of the same size and time is found by make itself, and made again", "[slow]") {
  const Copy copy;
  const fs::path index = copy.run / "dataset.h5";
  std::string other = read_file(index);
  SECTION("a damaged one") { other[other.size() / 2] ^= 1; }
  SECTION("a whole one") {
    // This is the command of the run itself, under another name of three letters.
    const std::string plan = make(copy.run, "-n SET=dataset.images=25").out,
                      start = BOXSEG_BIN_DIR + std::string("/prepare voc ");
    const size_t begin = plan.find("/prepare voc ");
    REQUIRE(begin != std::string::npos);
    const std::string words = plan.substr(begin + 13, plan.find(" --output ", begin) - begin - 13);
    const auto made =
        run_command(start + words + " --name vox --output " + shell_quote((copy.dir / "other.h5").string()));
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    other = read_file(copy.dir / "other.h5");
  }
  replace_unnoticed(index, other);
  REQUIRE_THAT(make(copy.run, "why").out, Contains("dataset: "));
  const auto mended = make(copy.run, "");
  REQUIRE(ran(mended).front() == "dataset");
  REQUIRE(ran(make(copy.run, "")).empty());
  REQUIRE(contents(copy.run) == contents(undisturbed()));
}

TEST_CASE("an older metrics.json is not believed, a damaged one heals", "[slow]") {
  const Copy copy;
  const fs::path metrics = copy.run / "metrics.json";
  const std::string whole = read_file(metrics);
  SECTION("a number of another time") {
    replace_unnoticed(metrics, with_other_digit(whole, "\"stage2/bap/val/y_crf/miou\""));
    REQUIRE_THAT(make(copy.run, "why").out,
                 Contains("evaluate/stage2/bap/val/y_crf: its numbers in metrics.json are not what was made"));
    const auto names = ran(make(copy.run, ""));
    REQUIRE(names == std::vector<std::string>{"evaluate/stage2/bap/val/y_crf", "report"});
  }
  SECTION("cut short") { write_file(metrics, whole.substr(0, whole.size() / 2)); }
  SECTION("not a flat object") {
    write_file(metrics, "{\"a\":" + std::string(1000000, '[') + std::string(1000000, ']') + "}");
  }
  SECTION("gone") { fs::remove(metrics); }
  SECTION("empty, as an object") { write_file(metrics, "{}"); }
  const auto healed = make(copy.run, "");
  INFO(healed.out << healed.err);
  REQUIRE(healed.exit_code == 0);
  REQUIRE(read_file(metrics) == whole);
  REQUIRE(ran(make(copy.run, "")).empty());
}

TEST_CASE("verify looks at the page, the numbers and the checkpoints", "[slow]") {
  const Copy copy;
  const fs::path page = copy.run / "report/index.html", checkpoint = copy.run / "stage1/bap/checkpoint.pt";
  REQUIRE(make(copy.run, "verify").exit_code == 0);
  const std::string html = read_file(page);
  replace_unnoticed(page, with_other_digit(html, "<table"));
  replace_unnoticed(copy.run / "metrics.json",
                    with_other_digit(read_file(copy.run / "metrics.json"), "\"stage3/nal/val/crf/miou\""));
  std::string bytes = read_file(checkpoint);
  bytes[bytes.size() / 2] ^= 1;
  replace_unnoticed(checkpoint, bytes);
  const auto verdict = make(copy.run, "verify");
  INFO(verdict.out << verdict.err);
  REQUIRE(verdict.exit_code != 0);
  REQUIRE_THAT(verdict.err, Contains("report is damaged: its files are not what was made") &&
                                Contains("evaluate/stage3/nal/val/crf is damaged: its numbers") &&
                                Contains("stage1/bap/checkpoint.pt is damaged; nothing needs it any more"));
  fs::remove(checkpoint);
  const auto names = ran(make(copy.run, ""));  // and nothing is trained again
  REQUIRE(names == std::vector<std::string>{"evaluate/stage3/nal/val/crf", "report"});
  REQUIRE(read_file(page) == html);
  REQUIRE(make(copy.run, "verify").exit_code == 0);
}

TEST_CASE("a finished run on a read-only file system is up to date, and can be verified", "[slow]") {
  const Copy copy;
  const std::string run = shell_quote(copy.run.string());
  const auto read_only = [&](const std::string& command) {
    return run_command(
        "unshare -m -r sh -c " +
        shell_quote(fmt::format("mount --bind {0} {0} && mount -o remount,ro,bind {0} || exit 99; {1}", run, command)));
  };
  if (read_only("true").exit_code != 0) return skip("no mount namespace for a read-only file system");
  for (const char* target : {"", "why", "verify", "status", "stage1/bap"}) {
    CAPTURE(target);
    const auto result = read_only(make_command(copy.run, target));
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == 0);
    REQUIRE(ran(result).empty());
    REQUIRE_THAT(result.err, !Contains("digest cache") && !Contains("Read-only"));
  }
  const auto stale = read_only(make_command(copy.run, "SET=stage2.threshold=0.5"));
  REQUIRE(stale.exit_code != 0);
  REQUIRE_THAT(stale.err,
               Contains("cannot be written, and stage2/bap/") && Contains("is not up to date: option threshold was"));
}

TEST_CASE("a run's name may hold what the shell knows", "[slow]") {
  const Copy copy("it's `a` \"run\"; no");
  REQUIRE_THAT(make(copy.run, "why").out, Contains(kNothingToDo));
  REQUIRE(ran(make(copy.run, "")).empty());
  const auto other = make(copy.run, "predict SET=predict.crf-iterations=3");
  INFO(other.out << other.err);
  REQUIRE(other.exit_code == 0);
  REQUIRE(make(copy.run, "verify").exit_code == 0);
  REQUIRE(make(copy.run, "clean-run").exit_code == 0);
  REQUIRE_FALSE(fs::exists(copy.run));
}
