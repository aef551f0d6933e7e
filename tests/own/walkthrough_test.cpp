// The README's "Your photos, your boxes" as a newcomer types it: in the folder of the photographs, with relative names.
#include <cctype>
#include <map>

#include "common/base/error.h"
#include "common/pipeline/plan/shell.h"
#include "tests/own/real_photos.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

// Two steps of a small network: what is asked here is whether the masks are the same, not how good they are.
constexpr const char* kQuick =
    "stage1.backbone=tiny stage1.freeze-backbone=false stage1.output-stride=0 stage1.iterations=2 stage1.epochs=0 "
    "stage1.batch=2 stage1.crop=65 stage1.classifier-std=0.1 pipeline.init=";

CommandResult make_in(const fs::path& folder, const std::string& words) {
  return run_command(fmt::format("cd {} && unset MAKEFLAGS MAKELEVEL && make -f {} CUDA=0 THREADS=1 {}",
                                 shell_quote(folder.string()), shell_quote(BOXSEG_SOURCE_DIR + "/Makefile.pipeline"),
                                 words));
}

std::string named(const std::string& name, const std::string& value) { return name + "=" + shell_quote(value) + " "; }

// Blanks and accents, of the kinds that file systems and tools like least.
const std::vector<std::string> kNames = {"IMG 0001.jpg", "été à la mer.jpg", "Ünïcödé.png",  "a.b.c.jpg",
                                         "it's.jpg",     "100%.jpg",         "猫.jpg",       "x (1).jpg",
                                         "-dash.jpg",    "#5.png",           "tout près.jpg"};

std::vector<AnnotatedPhoto> twelve_photos() {
  std::vector<AnnotatedPhoto> photos;
  if (const auto shared = shared_dir()) {
    const fs::path voc = *shared / "voc2012-subset";
    const auto ids = voc_ids(voc, "val");
    for (size_t i = 0; i < kNames.size(); ++i)
      photos.push_back(voc_photo(voc, ids[20 * i], kNames[i], 120, [](const std::string& name) {
        return name < "chair" ? std::string("chat noir") : name < "person" ? "vélo" : "zèbre";
      }));
  } else {
    for (size_t i = 0; i < kNames.size(); ++i) {
      const int n = static_cast<int>(i);
      photos.push_back({kNames[i], 90 + n, 70, {{annotated_classes()[i % 3], 5 + n, 10, 40 + n, 60}}});
    }
  }
  // The same photograph as a camera stores it that was held upright: boxes are of what viewers show.
  photos.push_back(photos.front());
  photos.back().name = "held upright.jpg";
  photos.back().is_stored_lying = true;
  return photos;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  return files;
}

}  // namespace

TEST_CASE("twelve photographs get the same masks from boxes in each format, named from the user's folder", "[slow]") {
  const OwnPhotos photos(twelve_photos());
  const fs::path here = photos.directory.path();
  write_file(here / "classes", "chat noir\nvélo\nzèbre\n");
  const std::string set = named("SET", std::string(kQuick) + " dataset.classes=classes");
  std::map<std::string, std::string> first;
  for (const fs::path& boxes :
       {photos.coco(), photos.yolo(), photos.csv(), photos.labelme(), photos.cvat(), photos.voc()}) {
    const std::string name = boxes.filename().string(), run = "out dir/run of " + name;
    CAPTURE(name);
    const auto result =
        make_in(here, "masks " + set + named("IMAGES", "my photos") + named("BOXES", name) + named("RUN", run));
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("Masks: " + run + "/masks"));
    const auto labels = files_of(here / run / "stage2/bap/all/Y_crf");
    REQUIRE(labels.size() == 12);
    if (first.empty()) first = labels;
    CHECK(labels == first);
    CHECK(fs::exists(here / run / "boxes.jpg"));
    CHECK_FALSE(files_of(here / run / "masks").empty());
  }
  // Its size is that of the photograph as it is shown.
  CHECK(first.at("IMG 0001.png").substr(0, 26) == first.at("held upright.png").substr(0, 26));
}

TEST_CASE("a run that one folder began is the same run from any other, and remembers SET and SEED", "[slow]") {
  const OwnPhotos photos;
  photos.coco();
  const fs::path here = photos.directory.path(), there = here / "somewhere else é";
  make_directories(there);
  const auto first = make_in(here, "masks SEED=3 " + named("SET", kQuick) + named("IMAGES", "my photos") +
                                       named("BOXES", "boxes.json") + named("RUN", "out/a run"));
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);

  const std::string run = named("RUN", "../out/a run");
  const auto why = make_in(there, "why " + run);
  INFO(why.out << why.err);
  CHECK_THAT(why.out, Contains("stage3/nal: it was not made yet") && !Contains("dataset") && !Contains("stage1/bap:") &&
                          !Contains("stage2/bap/all:"));
  CHECK_THAT(why.err, Contains("with its own settings, SET=\"stage1.backbone=tiny"));
  const auto absolute = make_in("/", "masks " + named("RUN", (here / "out/a run").string()));
  INFO(absolute.out << absolute.err);
  REQUIRE(absolute.exit_code == 0);
  CHECK_THAT(absolute.out, !Contains("---"));

  // Another SET takes the place of the one before, and an empty one forgets it.
  const auto other = make_in(there, "why " + run + named("SET", std::string(kQuick) + " stage2.threshold=0.5"));
  CHECK_THAT(other.out, Contains("stage2/bap/all: option threshold was 0.99, is 0.5"));
  const auto none = make_in(there, "why SET= " + run);
  CHECK_THAT(none.out, Contains("stage1/bap: option backbone was tiny, is efficientnet_lite0"));
  const auto seed = make_in(there, "why SEED=0 " + run);
  CHECK_THAT(seed.out, Contains("dataset: what it is made from changed"));
  CHECK_THAT(make_in(there, "why " + run).out, Contains("stage3/nal: it was not made yet") && !Contains("stage1/bap:"));

  const auto removed = make_in(there, "clean-run " + run);
  CHECK_THAT(removed.out, Contains("run removed"));
  CHECK_FALSE(fs::exists(here / "out/a run"));
}

TEST_CASE("what a newcomer leaves out or mistypes is said with what to do", "[cpu]") {
  const TemporaryDirectory dir;
  write_file(dir / "runs/mine/plan.mk", "");
  const auto said = [&](const std::string& words, int code) {
    const auto result = make_in(dir.path(), words);
    CAPTURE(words, result.out, result.err);
    CHECK(result.exit_code == code);
    return result.out + result.err;
  };
  CHECK_THAT(
      said("-o build why RUN=runs/mino", 0),
      Contains("runs/mino: no run is there yet (did you mean runs/mine?). With PRESET=demo it would be made of:"));
  CHECK_THAT(said("-o build why RUN=runs/other", 0),
             Contains("runs/other: no run is there yet (beside it: runs/mine)"));
  CHECK_THAT(said("-o build train RUN=runs/mino", 2),
             Contains("no photographs and boxes were named for this run yet (did you mean runs/mine?): IMAGES=photos"));
  CHECK_THAT(said("-o build predict RUN=runs/mino IMAGES=new", 2),
             Contains("runs/mino: there is no such run; one begins with make -f ") && Contains(" masks IMAGES=photos"));
  CHECK_THAT(said("-o build predict RUN=runs/mine IMAGES=new", 2),
             Contains("runs/mine: has no network yet; first make"));
  write_file(dir / "runs/mine/config/source.ini", "[plan]\n");
  CHECK_THAT(said("predict RUN=runs/mine", 2), Contains("IMAGES is missing; name the folder of photographs"));
}

TEST_CASE("make finds the project from wherever it is called", "[cpu]") {
  const TemporaryDirectory dir;
  const auto in_project = [](const std::string& out) {
    CHECK_THAT(out, Contains("-C '" + fs::canonical(BOXSEG_SOURCE_DIR).string() + "' -f Makefile.pipeline"));
  };
  in_project(make_in(dir.path(), "-n build").out);
  in_project(make_in("/", "-n setup").out);
  // What is the user's reaches the project's folder as an absolute name.
  CHECK_THAT(make_in(dir.path(), "-n bench BENCH='my times'").out,
             Contains("BENCH='" + (fs::canonical(dir.path()) / "my times").string() + "'"));
  const auto help = make_in(dir.path(), "help");
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.out, Contains("voc2012_vgg16") && Contains("table3"));
  // Through a link to the file, and with -C.
  fs::create_symlink(BOXSEG_SOURCE_DIR + "/Makefile.pipeline", dir / "link");
  const std::string go = "cd " + shell_quote(dir.path().string()) + " && unset MAKEFLAGS MAKELEVEL && make CUDA=0 ";
  in_project(run_command(go + "-f link -n build").out);
  CHECK(run_command(go + "-C " + shell_quote(BOXSEG_SOURCE_DIR) + " -f Makefile.pipeline help").exit_code == 0);
  // A copy of the file alone is no project.
  fs::copy_file(BOXSEG_SOURCE_DIR + "/Makefile.pipeline", dir / "copy");
  const auto alone = run_command(go + "-f copy help");
  CHECK(alone.exit_code == 2);
  CHECK_THAT(alone.err, Contains("the project is not beside this file"));
}
