// These tests run `stage3_segment predict` as people do.
#include <algorithm>
#include <string>

#include "common/base/files.h"
#include "common/base/text.h"
#include "common/io/checkpoint/checkpoint.h"
#include "common/io/jpeg.h"
#include "common/io/resized.h"
#include "tests/io/exif.h"
#include "tests/stage3/small_dataset.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

namespace {

using namespace boxseg;
using test::CommandResult;
using test::in_quotes;
using test::run_command;
using test::TemporaryDirectory;

const std::string kProgram = std::string(BOXSEG_BIN_DIR) + "/stage3_segment";

// Holds files of a training run, made once for all tests.
struct TrainingRun {
  std::string segmenter, manifest;
  TrainingRun() {
    const TemporaryDirectory dir;
    const CommandResult trained =
        run_command(in_quotes(kProgram) + " train --dataset " + in_quotes(test::make_small_dataset(dir.path(), 10)) +
                    " --loss true_masks" + " --output " + in_quotes(dir.path()) +
                    " --backbone tiny --head plain --batch 4 --crop 65 --learning-rate 0.03" +
                    " --classifier-std 1 --jitter 0.2 --iterations 120 --threads 1");
    INFO(trained.err);
    REQUIRE(trained.exit_code == 0);
    segmenter = read_file(dir / "segmenter.pt");
    manifest = read_file(dir / "manifest.h5");
  }
};

struct Trained {
  TemporaryDirectory dir;
  fs::path dataset, segmenter;
  Trained() : dataset(test::make_small_dataset(dir.path(), 10)), segmenter(dir / "stage3/segmenter.pt") {
    static const TrainingRun run;
    write_file(segmenter, run.segmenter);
    write_file(dir / "stage3/manifest.h5", run.manifest);
  }
  std::string command(const std::string& output, const std::string& more) const {
    return in_quotes(kProgram) + " predict --checkpoint " + in_quotes(segmenter) + " --output " +
           in_quotes(dir / output) + " --threads 1 " + more;
  }
  CommandResult predict(const std::string& output, const std::string& more) const {
    return run_command(command(output, more));
  }
  std::string of_dataset() const { return "--dataset " + in_quotes(dataset) + " --split train"; }
};

double share_equal(const LabelMap& a, const LabelMap& b) {
  REQUIRE(a.height == b.height);
  REQUIRE(a.width == b.width);
  int64_t equal = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) equal += a.pixels[i] == b.pixels[i];
  return static_cast<double>(equal) / static_cast<double>(a.pixels.size());
}

void require_refusal(const CommandResult& result, int exit_code, const std::string& words) {
  INFO(result.err);
  REQUIRE(result.exit_code == exit_code);
  REQUIRE(result.err.find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("predict finds the objects of a split, and its manifest names every label map", "[cpu]") {
  const Trained trained;
  for (const std::string mode : {"", "--crf", "--tta", "--tta --crf", "--scales 1 --flip"}) {
    const CommandResult done = trained.predict("out" + mode, trained.of_dataset() + " " + mode);
    INFO(mode << ": " << done.err);
    REQUIRE(done.exit_code == 0);
    const fs::path output = trained.dir / ("out" + mode);
    const Manifest manifest = read_manifest(output / "manifest.h5");
    REQUIRE(manifest.outputs.size() == 10);
    REQUIRE(manifest.inputs.at("checkpoint") == digest_of_checkpoint(read_checkpoint(trained.segmenter)));
    double mean = 0;
    for (int64_t i = 0; i < 10; ++i) {
      const LabelMap labels = read_label_png(output / (test::picture_id(i) + ".png"));
      REQUIRE(manifest.outputs[static_cast<size_t>(i)].digest == digest_of_labels(labels));
      mean += share_equal(labels, test::make_picture(i).mask) / 10;
    }
    REQUIRE(mean > 0.9);
    REQUIRE(!fs::exists(output / "manifest.h5.journal"));
    REQUIRE(run_command(in_quotes(kProgram) + " predict --check " + in_quotes(output / "manifest.h5")).exit_code == 0);
  }
}

TEST_CASE("predict segments a test split, which has neither boxes nor masks", "[cpu]") {
  const Trained trained;
  Dataset dataset = read_dataset(trained.dataset);
  for (size_t i = 5; i < 10; ++i) {
    dataset.splits["test"].push_back(static_cast<int64_t>(i));
    dataset.images[i].boxes.clear();
    dataset.images[i].mask_path = dataset.images[i].mask_digest = "";
  }
  write_dataset(trained.dir / "with test.h5", dataset);
  const std::string of_test = "--dataset " + in_quotes(trained.dir / "with test.h5") + " --split test";
  const CommandResult done = trained.predict("out", of_test);
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  REQUIRE(read_manifest(trained.dir / "out/manifest.h5").outputs.size() == 5);
  REQUIRE(share_equal(read_label_png(trained.dir / "out" / (test::picture_id(7) + ".png")),
                      test::make_picture(7).mask) > 0.8);

  const std::string evaluate = in_quotes(std::string(BOXSEG_BIN_DIR) + "/evaluate") + " ";
  const std::string predictions = of_test + " --predictions " + in_quotes(trained.dir / "out");
  require_refusal(run_command(evaluate + "miou " + predictions), 3,
                  "none of the 5 images of split 'test' has a ground-truth mask");
}

TEST_CASE("predict makes large photographs smaller, and their labels as large as they are", "[cpu]") {
  const Trained trained;
  const fs::path folder = trained.dir / "photos", small = trained.dir / "small photos";
  const RgbImage large = resized(test::make_picture(20, 61, 77).image, {366, 462});  // six times as large
  write_rgb_png(folder / "a.png", large);
  write_rgb_png(folder / "b.png", test::make_picture(21, 40, 33).image);
  write_file(folder / "turned.jpg", test::jpeg_with_exif(encode_jpeg(large, 95), test::exif_of(6)));
  write_rgb_png(small / "a.png", resized(large, fitted({366, 462}, 77)));
  const CommandResult done = trained.predict("out", "--longest-side 77 --crf --images " + in_quotes(folder));
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  REQUIRE(trained.predict("out small", "--crf --images " + in_quotes(small)).exit_code == 0);
  const LabelMap labels = read_label_png(trained.dir / "out/a.png");
  REQUIRE((labels.height == 366 && labels.width == 462));
  REQUIRE(labels == resized(read_label_png(trained.dir / "out small/a.png"), {366, 462}));
  REQUIRE(share_equal(read_label_png(trained.dir / "out small/a.png"), test::make_picture(20, 61, 77).mask) > 0.85);
  const LabelMap turned = read_label_png(trained.dir / "out/turned.png");
  REQUIRE((turned.height == 462 && turned.width == 366));
  REQUIRE(read_label_png(trained.dir / "out/b.png").width == 33);
  const std::string other = "--images " + in_quotes(folder) + " --crf --longest-side ";
  REQUIRE(trained.predict("out", other + "77").err.find("up to date") != std::string::npos);
  REQUIRE(trained.predict("out", other + "100").err.find("labels of 3 images") != std::string::npos);
  require_refusal(trained.predict("out", other + "7"), 2, "--longest-side 7");
}

TEST_CASE("predict segments any folder from the checkpoint alone, with its colours", "[cpu]") {
  const Trained trained;
  const fs::path folder = trained.dir / "my photos";
  make_directories(folder / "deeper");
  write_rgb_png(folder / "a b.png", test::make_picture(20, 61, 77).image);
  write_rgb_jpeg(folder / "c.d.JPG", test::make_picture(21, 40, 33).image);
  write_rgb_png(folder / "deeper/e.png", test::make_picture(22).image);
  write_file(folder / "notes.txt", "not an image");
  // The photograph is stored 70 high and 80 wide, and upright the other way round.
  write_file(folder / "turned.jpg",
             test::jpeg_with_exif(encode_jpeg(test::make_picture(24).image, 90), test::exif_of(6)));
  const CommandResult done = trained.predict("out", "--images " + in_quotes(folder));
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  REQUIRE(read_manifest(trained.dir / "out/manifest.h5").outputs.size() == 4);
  REQUIRE(done.err.find("left out: 1 .txt; photographs are .jpg, ") != std::string::npos);
  REQUIRE(done.err.find("labels of 4 images\n") != std::string::npos);
  REQUIRE(read_label_png(trained.dir / "out/deeper/e.png").width == 80);
  REQUIRE(share_equal(read_label_png(trained.dir / "out/a b.png"), test::make_picture(20, 61, 77).mask) > 0.85);
  REQUIRE(read_label_png(trained.dir / "out/c.d.png").width == 33);
  REQUIRE(read_label_png(trained.dir / "out/turned.png").width == 70);
  // Any viewer reads the PNG's palette: colour 1 is the dataset's.
  const std::string bytes = read_file(trained.dir / "out/a b.png");
  const size_t palette = bytes.find("PLTE");
  REQUIRE(palette != std::string::npos);
  REQUIRE(bytes.substr(palette + 7, 3) == "\xc8\x0a\x14");

  const CommandResult again = trained.predict("out", "--images " + in_quotes(folder));
  REQUIRE(again.err.find("up to date") != std::string::npos);
  write_rgb_png(folder / "new.png", test::make_picture(23).image);
  const CommandResult more = trained.predict("out", "--images " + in_quotes(folder));
  REQUIRE(more.err.find("up to date") == std::string::npos);
  REQUIRE(fs::exists(trained.dir / "out/new.png"));
}

TEST_CASE("predict takes every photograph of a folder and nothing else", "[cpu]") {
  const Trained trained;
  const fs::path folder = trained.dir / "photos";
  const auto draw = [&](const fs::path& name) {
    const fs::path path = folder / name;
    make_directories(path.parent_path());
    const RgbImage image = test::make_picture(20).image;
    if (lower_case(path.extension().string()) == ".png") return write_rgb_png(path, image);
    write_rgb_jpeg(path, image);  // whatever its suffix: the decoder goes by the content
  };
  std::vector<std::string> ids;
  for (const char* name : {"a.jpg", "b.JPEG", "c.Png", "d.bmp", "e.webp", "f.tif", "g.TIFF", "deep/er/a.jpg"}) {
    draw(name);
    ids.push_back(fs::path(name).replace_extension().string());
  }
  write_file(folder / "._a.jpg", "macOS's companion of a.jpg");
  write_file(folder / "deep/.DS_Store", "x");
  write_file(folder / ".thumbnails/a.png", "x");
  write_file(folder / "raw.heic", "x");
  write_file(folder / "raw2.HEIC", "x");
  write_file(folder / "README", "x");
  write_file(folder / "earlier/manifest.h5", "x");
  draw("earlier/a.png");
  fs::create_directory_symlink(folder, folder / "circle");
  const auto run = [&] { return trained.predict("photos/masks", "--images " + in_quotes(folder)); };
  const CommandResult done = run();
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  std::vector<std::string> written;
  for (const auto& output : read_manifest(folder / "masks/manifest.h5").outputs)
    written.push_back(fs::path(output.path).replace_extension().string());
  std::sort(written.begin(), written.end());
  std::sort(ids.begin(), ids.end());
  REQUIRE(written == ids);
  for (const char* told : {"left out: 1 without a suffix, 2 .heic;", "left out: circle is a link to a folder",
                           "left out: earlier holds results of a stage", "labels of 8 images"})
    REQUIRE(done.err.find(told) != std::string::npos);
  REQUIRE(done.err.find("._a") == std::string::npos);
  REQUIRE(run().err.find("up to date") != std::string::npos);  // the masks inside are no photographs

  write_file(folder / "z.png", "no image");
  const CommandResult skipped = trained.predict("photos/masks", "--on-bad-image skip --images " + in_quotes(folder));
  INFO(skipped.err);
  REQUIRE(skipped.exit_code == 0);
  REQUIRE(skipped.err.find("labels of 8 images; 1 skipped") != std::string::npos);
}

TEST_CASE("a killed predict goes on where it stopped, to the same label maps", "[cpu]") {
  const Trained trained;
  const std::string mode = trained.of_dataset() + " --tta --crf";
  REQUIRE(trained.predict("whole", mode).exit_code == 0);
  const fs::path output = trained.dir / "stopped";
  const CommandResult stopped =
      run_command(trained.command("stopped", mode) + " & pid=$!; while kill -0 $pid 2>/dev/null && [ ! -e " +
                  in_quotes(output / "picture 2.png") + " ]; do sleep 0.01; done; kill -KILL $pid; wait $pid");
  REQUIRE(stopped.exit_code == 137);
  REQUIRE(!fs::exists(output / "manifest.h5"));
  const fs::path first = output / "picture 0.png";
  const auto written = fs::exists(first) ? fs::last_write_time(first) : fs::file_time_type();
  const CommandResult resumed = trained.predict("stopped", mode);
  INFO(resumed.err);
  REQUIRE(resumed.exit_code == 0);
  REQUIRE(resumed.err.find("were finished before") != std::string::npos);
  REQUIRE(fs::last_write_time(first) == written);
  const Manifest a = read_manifest(output / "manifest.h5"), b = read_manifest(trained.dir / "whole/manifest.h5");
  REQUIRE(a.digest() == b.digest());
  for (const auto& out : a.outputs)
    REQUIRE(read_file(output / out.path) == read_file(trained.dir / "whole" / out.path));
}

TEST_CASE("an interrupted predict exits with 75 and keeps what is finished", "[cpu]") {
  const Trained trained;
  const std::string mode = trained.of_dataset() + " --tta --crf";
  const fs::path output = trained.dir / "stopped";
  const CommandResult stopped =
      run_command(trained.command("stopped", mode) + " & pid=$!; while kill -0 $pid 2>/dev/null && [ ! -e " +
                  in_quotes(output / "picture 0.png") + " ]; do sleep 0.01; done; kill -TERM $pid; wait $pid");
  INFO(stopped.err);
  REQUIRE(stopped.exit_code == 75);
  REQUIRE(!fs::exists(output / "manifest.h5"));
  REQUIRE(trained.predict("stopped", mode).err.find("were finished before") != std::string::npos);
}

TEST_CASE("a damaged photo stops predict with its name, or is skipped and recorded when asked", "[cpu]") {
  const Trained trained;
  write_file(trained.dir / "4.png", read_file(trained.dir / "4.png").substr(0, 500));
  require_refusal(trained.predict("a", trained.of_dataset()), 3, "4.png");
  const CommandResult skipped = trained.predict("b", trained.of_dataset() + " --on-bad-image skip");
  INFO(skipped.err);
  REQUIRE(skipped.exit_code == 0);
  const Manifest manifest = read_manifest(trained.dir / "b/manifest.h5");
  REQUIRE(manifest.outputs.size() == 9);
  REQUIRE(manifest.facts.at("images_skipped") == "1");
  REQUIRE(manifest.facts.at("skipped").find("4.png") != std::string::npos);
}

TEST_CASE("checkpoints and folders that do not fit are refused, each with its name", "[cpu]") {
  const Trained trained;
  const auto with = [&](const fs::path& checkpoint) {
    return run_command(in_quotes(kProgram) + " predict --checkpoint " + in_quotes(checkpoint) + " --output " +
                       in_quotes(trained.dir / "out") + " " + trained.of_dataset());
  };
  require_refusal(with(trained.dir / "none.pt"), 3, "none.pt");
  const std::string bytes = read_file(trained.segmenter);
  write_file(trained.dir / "cut.pt", bytes.substr(0, bytes.size() / 2));
  require_refusal(with(trained.dir / "cut.pt"), 3, "cut.pt");
  require_refusal(run_command(in_quotes(kProgram) + " --check " + in_quotes(trained.dir / "cut.pt")), 3, "cut.pt");
  REQUIRE(run_command(in_quotes(kProgram) + " --check " + in_quotes(trained.segmenter)).exit_code == 0);

  Checkpoint changed = read_checkpoint(trained.segmenter);
  changed.tensors.back().second = changed.tensors.back().second + 1;
  const fs::path copy = trained.dir / "stage3/segmenter.pt";
  changed.record["kind"] = "classifier";
  write_checkpoint(trained.dir / "other.pt", changed);
  require_refusal(with(trained.dir / "other.pt"), 3, "is not of a segmenter (classifier)");
  changed.record["kind"] = "segmenter";
  write_checkpoint(copy, changed);
  require_refusal(run_command(in_quotes(kProgram) + " --check " + in_quotes(copy)), 3,
                  "is not what stage3_segment train wrote");
  changed.tensors.pop_back();
  write_checkpoint(trained.dir / "lacking.pt", changed);
  require_refusal(with(trained.dir / "lacking.pt"), 3, "classifier.weight");

  require_refusal(trained.predict("new", trained.of_dataset() + " --crf --gaussian 3,-1"), 2, "--gaussian");
  REQUIRE_FALSE(fs::exists(trained.dir / "new"));

  const fs::path folder = trained.dir / "folder";
  make_directories(folder);
  require_refusal(trained.predict("out", "--images " + in_quotes(folder)), 3, "holds no photograph (.jpg, .jpeg, .png");
  write_rgb_png(folder / "a.png", RgbImage(5, 5));
  write_rgb_jpeg(folder / "a.jpg", RgbImage(5, 5));
  require_refusal(trained.predict("out", "--images " + in_quotes(folder)), 3, "would both be written as a.png");
  require_refusal(trained.predict("folder", "--images " + in_quotes(folder)), 2, "is the folder of the images as well");
  require_refusal(trained.predict("out", "--images " + in_quotes(folder) + " " + trained.of_dataset()), 2, "not both");
  require_refusal(trained.predict("out", "--images " + in_quotes(trained.dir / "nowhere")), 3,
                  "nowhere: No such file or directory");
  require_refusal(trained.predict("out", "--images " + in_quotes(folder / "a.png")), 3,
                  "a.png: is no folder; name the one of your photos");
  make_directories(trained.dir / "texts");
  write_file(trained.dir / "texts/a.txt", "x");
  require_refusal(trained.predict("out", "--images " + in_quotes(trained.dir / "texts")), 3, "it holds 1 .txt");
}

TEST_CASE("scores that are no numbers end predict with the reason, whatever is done with bad images", "[cpu]") {
  const Trained trained;
  Checkpoint overflowing = read_checkpoint(trained.segmenter);
  for (auto& [name, tensor] : overflowing.tensors) tensor = at::full_like(tensor, 1e30);  // finite themselves
  write_checkpoint(trained.dir / "overflowing.pt", overflowing);
  for (const std::string mode : {"", "--crf", "--crf --on-bad-image skip"}) {
    CAPTURE(mode);
    const CommandResult result = run_command(
        in_quotes(kProgram) + " predict --checkpoint " + in_quotes(trained.dir / "overflowing.pt") + " --output " +
        in_quotes(trained.dir / "out") + " --threads 1 " + trained.of_dataset() + " " + mode);
    require_refusal(result, 1, "0.png: the network's scores are not finite numbers; --checkpoint is damaged");
    REQUIRE_FALSE(fs::exists(trained.dir / "out/manifest.h5"));
  }
}

TEST_CASE("predict does not write over the manifest beside its checkpoint", "[cpu]") {
  const Trained trained;
  const std::string manifest = read_file(trained.dir / "stage3/manifest.h5");
  require_refusal(trained.predict("stage3", trained.of_dataset()), 2, "is the folder of --checkpoint as well");
  REQUIRE(read_file(trained.dir / "stage3/manifest.h5") == manifest);
}

TEST_CASE("predict writes over no photograph and no mask of somebody's, and leaves none out in silence", "[cpu]") {
  const Trained trained;
  const fs::path folder = trained.dir / "own";
  write_rgb_png(folder / "photos/a.png", test::make_picture(20).image);
  write_label_png(folder / "masks/a.png", LabelMap(70, 80, 1));
  const std::string mask = read_file(folder / "masks/a.png"), photo = read_file(folder / "photos/a.png");
  const auto predict = [&](const std::string& images, const std::string& output) {
    return trained.predict("own/" + output, "--images " + in_quotes(folder / images));
  };
  require_refusal(predict("photos", "masks"), 2,
                  "a.png is there already, and no manifest.h5 says that predict made it");
  REQUIRE(read_file(folder / "masks/a.png") == mask);
  require_refusal(predict(".", "photos"), 2, "lies in --images and holds photographs itself, such as a.png");
  REQUIRE(read_file(folder / "photos/a.png") == photo);
  REQUIRE(predict("photos", "photos/out").exit_code == 0);
  REQUIRE(predict("photos", "photos/out").err.find("up to date") != std::string::npos);

  write_rgb_png(folder / "odd/d.png", test::make_picture(21).image);
  write_rgb_png(folder / "odd/d.png.d/k.png", test::make_picture(22).image);
  REQUIRE(predict("odd", "odd out").exit_code == 0);
  fs::rename(folder / "odd/d.png", folder / "odd/d.jpg");
  fs::rename(folder / "odd/d.png.d", folder / "odd/d.png");
  require_refusal(predict("odd", "odd out 2"), 3, "d.jpg would be written as d.png, where d.png/k needs a folder");
}
