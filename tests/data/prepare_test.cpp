// The program itself gives exit codes and messages for good and bad input.

#include "common/base/hash.h"
#include "common/data/dataset.h"
#include "common/io/hdf5.h"
#include "common/io/manifest.h"
#include "common/pipeline/stage/fingerprints.h"
#include "tests/data/voc_folder.h"
#include "tests/support/loaded_libraries.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

CommandResult prepare(const std::string& arguments) {
  return run_command(std::string(BOXSEG_BIN_DIR) + "/prepare " + arguments);
}

CommandResult prepare_voc(const VocFolder& voc, const std::string& more = "") {
  return prepare("voc --quiet --root " + quoted(voc.root) + " --split train=train --split val=val --output " +
                 quoted(voc.index()) + " " + more);
}

void require_refused(const CommandResult& result, int exit_code, const std::vector<std::string>& parts) {
  CAPTURE(result.err);
  REQUIRE(result.exit_code == exit_code);
  REQUIRE(result.out.empty());
  for (const auto& part : parts) REQUIRE_THAT(result.err, Contains(part));
}

}  // namespace

TEST_CASE("prepare voc writes an index that prepare check and show read") {
  const VocFolder voc;
  const CommandResult made = prepare_voc(voc);
  CAPTURE(made.err);
  REQUIRE(made.exit_code == 0);
  // The folder has VOC's classes, but not its numbers of images; and b has no mask.
  REQUIRE_THAT(made.err, Contains("train.txt: names 2 images, VOC 2012's train has 1,464") &&
                             Contains("val.txt: names 2 images, VOC 2012's val has 1,449") &&
                             Contains("1 of 2 images have no mask in SegmentationClass: b"));
  const Dataset d = read_dataset(voc.index());
  REQUIRE(d.images.size() == 4);
  REQUIRE(d.facts.at("program") == "prepare voc");
  REQUIRE(prepare("check " + quoted(voc.index())).exit_code == 0);
  REQUIRE(prepare("voc --check " + quoted(voc.index())).exit_code == 0);
  const CommandResult shown = prepare("show " + quoted(voc.index()));
  REQUIRE(shown.exit_code == 0);
  REQUIRE_THAT(shown.out, Contains("4 images") && Contains("split val: 2 images") && Contains("aeroplane"));
  REQUIRE_THAT(prepare("show " + quoted(voc.root / "SegmentationClass/a.png")).out, Contains("255 (void)"));
  REQUIRE_THAT(prepare("show " + quoted(voc.jpeg("a"))).out, Contains("40x30"));

  write_file(voc.jpeg("b"), read_file(voc.jpeg("c")) + " ");
  const CommandResult changed = prepare("check " + quoted(voc.index()));
  REQUIRE(changed.exit_code == 3);
  REQUIRE_THAT(changed.out, Contains("b.jpg: changed"));
}

TEST_CASE("prepare voc refuses bad input with exit code 3, the file, and what to do") {
  const VocFolder voc;
  const auto refuse = [&](const std::vector<std::string>& parts, const std::string& more = "") {
    require_refused(prepare_voc(voc, more), 3, parts);
    REQUIRE_FALSE(fs::exists(voc.index()));
  };
  const std::string good = annotation_xml(object_xml("cat", 5, 6, 20, 25));
  const std::string jpeg = read_file(voc.jpeg("a"));

  SECTION("missing file") {
    fs::remove(voc.xml_of("a"));
    refuse({"a.xml: no such file", "--without-boxes", "<annotation><size><width>40</width><height>30</height>"});
  }
  SECTION("truncated JPEG") {
    write_file(voc.jpeg("a"), jpeg.substr(0, jpeg.size() - 40));
    refuse({"a.jpg", "cut short"});
  }
  SECTION("not an image") {
    write_file(voc.jpeg("a"), "hello");
    refuse({"a.jpg"});
  }
  SECTION("XML without size") {
    write_file(voc.xml_of("a"), "<annotation>" + object_xml("cat", 5, 6, 20, 25) + "</annotation>");
    refuse({"a.xml", "has no <size>", "add <size>"});
  }
  SECTION("XML of another size") {
    write_file(voc.xml_of("a"), annotation_xml(object_xml("cat", 5, 6, 20, 25), 30, 40));
    refuse({"a.xml", "30x40", "40x30"});
  }
  SECTION("XML cut short") {
    write_file(voc.xml_of("a"), good.substr(0, good.size() / 2));
    refuse({"a.xml", "well-formed"});
  }
  SECTION("XML of something else") {
    write_file(voc.xml_of("a"), "<html/>");
    refuse({"a.xml", "no <annotation>"});
  }
  SECTION("box outside") {
    write_file(voc.xml_of("a"), annotation_xml(object_xml("cat", 41, 6, 55, 25)));
    refuse({"a.xml", "object 1", "(41, 6, 55, 25)", "40x30"});
  }
  SECTION("inverted box") {
    write_file(voc.xml_of("a"), annotation_xml(object_xml("cat", 20, 6, 5, 25)));
    refuse({"a.xml", "object 1 (cat)", "inverted", "xmin 20, xmax 5"});
  }
  SECTION("an object of two names") {
    write_file(voc.xml_of("a"), annotation_xml("<object><name>cat</name><name>dog</name></object>"));
    refuse({"a.xml", "object 1 (cat) has two <name>"});
  }
  SECTION("a box of two left sides") {
    std::string xml = good;
    xml.replace(xml.find("<xmin>5"), 6, "<xmin>1</xmin><xmin>");
    write_file(voc.xml_of("a"), xml);
    refuse({"a.xml", "object 1 (cat) has two <xmin>"});
  }
  SECTION("a number that is none") {
    std::string xml = good;
    xml.replace(xml.find("<xmin>5"), 7, "<xmin>five");
    write_file(voc.xml_of("a"), xml);
    refuse({"a.xml", "<xmin> is 'five'"});
  }
  SECTION("object without box") {
    write_file(voc.xml_of("a"), annotation_xml("<object><name>cat</name></object>"));
    refuse({"a.xml", "object 1 (cat) lacks <bndbox>"});
  }
  SECTION("unknown class") {
    write_file(voc.xml_of("a"), annotation_xml(object_xml("kat", 5, 6, 20, 25)));
    refuse({"a.xml", "unknown class 'kat'", "did you mean 'cat'", "aeroplane", "--class-names"});
  }
  SECTION("list naming an absent image") {
    voc.list("val", "c\nghost\n");
    refuse({"val.txt:2", "'ghost'", "JPEGImages/ghost.jpg"});
  }
  SECTION("list naming an image twice") {
    voc.list("val", "c\nd/e f\nc\n");
    refuse({"val.txt:3", "'c'", "line 1"});
  }
  SECTION("list leaving the folder") {
    voc.list("val", "../../etc/passwd\n");
    refuse({"val.txt:1", "'../../etc/passwd'"});
  }
  SECTION("empty list") {
    voc.list("val", "\n\n");
    refuse({"val.txt", "names no image"});
  }
  SECTION("mask of another size") {
    voc.add_mask("a", 8, 40, 30);
    refuse({"SegmentationClass/a.png", "30x40", "40x30"});
  }
  SECTION("mask with a value that is no class") {
    voc.add_mask("a", 77);
    refuse({"SegmentationClass/a.png", "value 77", "21 classes"});
  }
  SECTION("mask in colours") {
    write_rgb_png(voc.root / "SegmentationClass/a.png", RgbImage(30, 40));
    refuse({"SegmentationClass/a.png"});
  }
  SECTION("no VOC folder") {
    fs::remove_all(voc.root / "JPEGImages");
    refuse({"JPEGImages is missing"});
  }
  SECTION("no class list") { refuse({"nowhere.txt"}, "--classes nowhere.txt"); }
}

TEST_CASE("prepare voc leaves bad images out when asked, and says so") {
  const VocFolder voc;
  fs::remove(voc.jpeg("b"));
  const CommandResult result = prepare_voc(voc, "--on-bad-image skip");
  REQUIRE(result.exit_code == 0);
  REQUIRE_THAT(result.err, Contains("left out") && Contains("'b'"));
  const Dataset d = read_dataset(voc.index());
  REQUIRE(d.images.size() == 3);
  REQUIRE(d.facts.at("images left out") == "1");
  REQUIRE_THAT(d.facts.at("left out 000001"), Contains("'b'"));
}

TEST_CASE("prepare voc takes the .mat masks of SBD, and prepare check and show read them") {
  const VocFolder voc;
  const fs::path by_scipy = fs::path(BOXSEG_SOURCE_DIR) / "tests/io/sbd_by_scipy.mat";  // 7x5 pixels
  write_file(voc.directory / "cls/s.mat", read_file(by_scipy));
  write_rgb_jpeg(voc.jpeg("s"), RgbImage(5, 7));
  write_file(voc.xml_of("s"), annotation_xml(object_xml("cat", 2, 2, 5, 4), 7, 5));
  voc.list("train", "s\na\n");
  const std::string masks = "--masks " + quoted(voc.directory / "cls");
  REQUIRE(prepare_voc(voc, masks).exit_code == 0);
  const Dataset d = read_dataset(voc.index());
  REQUIRE(d.images[0].mask_path == (voc.directory / "cls/s.mat").string());
  REQUIRE(d.images[0].mask_digest == digest_of_file(by_scipy));
  REQUIRE(d.images[1].mask_path.empty());
  REQUIRE(prepare("check " + quoted(voc.index())).exit_code == 0);
  REQUIRE_THAT(prepare("show " + quoted(by_scipy)).out, Contains("7x5") && Contains(" 20 "));

  write_file(voc.directory / "cls/s.mat", read_file(by_scipy).substr(0, 300));
  require_refused(prepare_voc(voc, masks), 3, {"cls/s.mat", "cannot be read as a mask of SBD", "ends early"});
  write_rgb_jpeg(voc.jpeg("s"), RgbImage(6, 7));
  write_file(voc.xml_of("s"), annotation_xml(object_xml("cat", 2, 2, 5, 4), 7, 6));
  write_file(voc.directory / "cls/s.mat", read_file(by_scipy));
  require_refused(prepare_voc(voc, masks), 3, {"cls/s.mat", "7x5", "7x6"});
}

TEST_CASE("prepare refuses wrong command lines with exit code 2") {
  const VocFolder voc;
  require_refused(prepare(""), 2, {"voc, coco, boxes, synthetic"});
  require_refused(prepare("vok"), 2, {"did you mean 'voc'"});
  require_refused(prepare("voc --output x.h5"), 2, {"--root is missing"});
  require_refused(prepare_voc(voc, "--mask none"), 2, {"did you mean --masks"});
  require_refused(prepare_voc(voc, "--split test"), 2, {"--split test", "NAME=LIST"});
  require_refused(prepare_voc(voc, "--split val=val"), 2, {"twice"});
  require_refused(prepare_voc(voc, "--on-bad-image ignore"), 2, {"fail, skip"});
  require_refused(prepare("voc --root " + quoted(voc.root) + " --output " + quoted(voc.index())), 2,
                  {"--split is missing"});
  require_refused(prepare("synthetic --classes 99 --output " + quoted(voc.directory / "s")), 2, {"expected 1 to 8"});
  require_refused(prepare("synthetic --output " + quoted(voc.root)), 2, {"holds something else"});
  require_refused(prepare("check"), 2, {"name an index"});
  require_refused(prepare("check nowhere.h5"), 3, {"nowhere.h5"});
  require_refused(prepare("show nowhere.h5"), 3, {"nowhere.h5"});
  write_file(voc.directory / "file", "x");
  require_refused(
      prepare("voc --root " + quoted(voc.root) + " --split a=train --output " + quoted(voc.directory / "file/d.h5")), 2,
      {"--output"});
}

TEST_CASE("An index cut in half is refused by name") {
  const VocFolder voc;
  REQUIRE(prepare_voc(voc).exit_code == 0);
  const std::string bytes = read_file(voc.index());
  write_file(voc.index(), bytes.substr(0, bytes.size() / 2));
  require_refused(prepare("check " + quoted(voc.index())), 3, {"dataset.h5"});
  require_refused(prepare("voc --check " + quoted(voc.index())), 3, {"dataset.h5"});
}

TEST_CASE("prepare synthetic draws a folder that prepare voc indexes") {
  const TemporaryDirectory dir;
  const fs::path root = dir / "with blank";
  const auto drawn = loaded_libraries(quoted(fs::path(BOXSEG_BIN_DIR) / "prepare") +
                                      " synthetic --quiet --images 12 --seed 3 --output " + quoted(root));
  REQUIRE(drawn.result.exit_code == 0);
  REQUIRE(drawn.has("libturbojpeg"));
  REQUIRE_FALSE(drawn.has("imgcodecs"));
  const CommandResult result =
      prepare("voc --root " + quoted(root) + " --split train=train --split val=val --output " + quoted(dir / "d.h5"));
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  REQUIRE(read_dataset(dir / "d.h5").class_names.size() == 5);
  REQUIRE_THAT(result.err, Contains("11 images") && !Contains("warning"));
}

TEST_CASE("prepare labels gives label maps a manifest with digests of their pixels") {
  const VocFolder voc;
  REQUIRE(prepare_voc(voc).exit_code == 0);
  const fs::path crf = voc.directory / "crf", ret = voc.directory / "ret", out = voc.directory / "out";
  LabelMap labels(30, 40, 8);
  labels.at(1, 1) = 255;
  for (const std::string id : {"c", "d/e f"}) {
    write_label_png(crf / (id + ".png"), labels);
    write_label_png(ret / (id + ".png"), LabelMap(30, 40));
  }
  const std::string command = "labels --quiet --split val --y-crf " + quoted(crf) + " --y-ret " + quoted(ret) +
                              " --dataset " + quoted(voc.index()) + " --output " + quoted(out);
  SECTION("as it should be") {
    REQUIRE(prepare(command).exit_code == 0);
    const Manifest m = read_manifest(out / "manifest.h5");
    REQUIRE(m.program == "prepare labels");
    REQUIRE(m.inputs.at("dataset") == read_dataset(voc.index()).digest("val", false));
    REQUIRE(m.outputs.size() == 4);
    REQUIRE(m.outputs[1].path == "Y_crf/d/e f.png");
    REQUIRE(m.outputs[1].digest == digest_of_labels(labels));
    REQUIRE(m.outputs[1].size_bytes == static_cast<int64_t>(fs::file_size(out / "Y_crf/d/e f.png")));
    REQUIRE(m.outputs[2].path == "Y_ret/c.png");
    REQUIRE(read_label_png(out / "Y_crf/d/e f.png") == labels);
  }
  SECTION("without the second set") {
    REQUIRE(prepare("labels --quiet --split val --y-crf " + quoted(crf) + " --dataset " + quoted(voc.index()) +
                    " --output " + quoted(out))
                .exit_code == 0);
    REQUIRE(read_manifest(out / "manifest.h5").outputs.size() == 2);
  }
  SECTION("a map whose name has other accents, and one of the other orientation") {
    voc.add("caf\xC3\xA9", annotation_xml(object_xml("cat", 5, 6, 20, 25)));
    voc.list("val", "c\ncaf\xC3\xA9\n");
    REQUIRE(prepare_voc(voc).exit_code == 0);
    write_label_png(crf / "cafe\xCC\x81.png", labels);
    REQUIRE_THAT(
        prepare("labels --quiet --split val --y-crf " + quoted(crf) + " --dataset " + quoted(voc.index()) +
                " --output " + quoted(out))
            .err,
        Contains("no such file, the label map of image 'caf\xC3\xA9'; there is crf/cafe\xCC\x81.png, whose accents"));
    fs::rename(crf / "cafe\xCC\x81.png", crf / "caf\xC3\xA9.png");
    write_label_png(crf / "c.png", LabelMap(40, 30, 8));
    const CommandResult turned = prepare("labels --quiet --split val --y-crf " + quoted(crf) + " --dataset " +
                                         quoted(voc.index()) + " --output " + quoted(out));
    REQUIRE(turned.exit_code == 3);
    REQUIRE_THAT(turned.err, Contains("c.png: has 30x40 pixels, image 'c' has 40x30") && Contains("exchanged"));
  }
  SECTION("maps of 0 and 255, told by the boxes") {
    for (const std::string id : {"c", "d/e f"}) write_label_png(crf / (id + ".png"), LabelMap(30, 40, 255));
    const CommandResult result = prepare(command);
    REQUIRE(result.exit_code == 0);
    REQUIRE_THAT(result.err, Contains("the label maps and the boxes do not agree on classes") &&
                                 Contains("'cat' (4 images), 'dog' (2 images)") && Contains("filled with 255"));
  }
  SECTION("maps under VOC's colours at other indices") {
    write_label_png(crf / "c.png", LabelMap(30, 40, 1), {voc_palette()[8], voc_palette()[0]});
    REQUIRE_THAT(prepare(command).err, Contains("crf/c.png: index 1 has VOC's colour of class 0 (background)"));
  }
  SECTION("a missing map") {
    fs::remove(ret / "c.png");
    require_refused(prepare(command), 3, {"ret/c.png"});
  }
  SECTION("a map of another size") {
    write_label_png(crf / "c.png", LabelMap(40, 30));
    require_refused(prepare(command), 3, {"crf/c.png", "30x40", "40x30"});
  }
  SECTION("a value that is no class") {
    write_label_png(crf / "c.png", LabelMap(30, 40, 21));
    require_refused(prepare(command), 3, {"crf/c.png", "value 21", "21 classes"});
  }
  SECTION("an unknown split") { require_refused(prepare(command + " --split vla"), 2, {"did you mean 'val'"}); }
  if (!fs::exists(out / "manifest.h5")) REQUIRE_FALSE(fs::exists(out / "Y_crf"));
}

TEST_CASE("Every command of prepare explains itself") {
  for (const std::string command : {"", "voc", "synthetic", "labels", "check", "show"}) {
    CAPTURE(command);
    const CommandResult help = prepare(command + " --help");
    REQUIRE(help.exit_code == 0);
    REQUIRE_THAT(help.out, Contains("Example"));
    REQUIRE(prepare(command + " --version").out == "boxseg 0.1.0\n");
    REQUIRE(prepare(command + " --fingerprint").out == kPrepareFingerprint + "\n");
  }
}

TEST_CASE("A list may come from a pipe, as shells make of <(...)") {
  const VocFolder voc;
  const CommandResult result =
      run_command(fmt::format("bash -c '{}/prepare voc --quiet --root {} --split some=<(echo c; echo a) --output {}'",
                              BOXSEG_BIN_DIR, voc.root.string(), voc.index().string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const Dataset dataset = read_dataset(voc.index());
  REQUIRE(dataset.images.size() == 2);
  REQUIRE(dataset.images[0].id == "c");
}

TEST_CASE("prepare writes over nothing that it reads") {
  const VocFolder voc;
  REQUIRE(prepare_voc(voc).exit_code == 0);
  const auto require_kept = [&](const fs::path& output, const std::string& words) {
    const std::string before = read_file(output);
    require_refused(
        prepare("voc --quiet --root " + quoted(voc.root) + " --split train=train --output " + quoted(output)), 2,
        {"--output", words});
    REQUIRE(read_file(output) == before);
  };
  fs::create_hard_link(voc.xml_of("a"), voc.directory / "hard.h5");
  require_kept(voc.directory / "hard.h5", "is the file that is read as");
  for (const fs::path& input :
       {voc.root / "SegmentationClass/a.png", voc.root / "ImageSets/Segmentation/train.txt", voc.jpeg("a")}) {
    require_kept(input, "an HDF5 file is written");
    const fs::path link = voc.directory / (input.filename().string() + ".h5");
    fs::create_symlink(input, link);
    require_kept(link, "is the file that is read as");
  }
  const fs::path labels = voc.directory / "labels";
  for (const std::string id : {"c", "d/e f"}) write_label_png(labels / ("Y_crf/" + id + ".png"), LabelMap(30, 40, 8));
  require_refused(prepare("labels --quiet --split val --y-crf " + quoted(labels / "Y_crf") + " --dataset " +
                          quoted(voc.index()) + " --output " + quoted(labels)),
                  2, {"--output", "Y_crf: is the file that is read as a folder of label maps"});
}

TEST_CASE("prepare show refuses what has no end, and does not wait for it") {
  const TemporaryDirectory dir;
  REQUIRE(run_command("mkfifo " + quoted(dir / "pipe")).exit_code == 0);
  for (const fs::path& path : {fs::path("/dev/zero"), dir / "pipe"})
    require_refused(run_command("timeout 20 " + std::string(BOXSEG_BIN_DIR) + "/prepare show " + quoted(path)), 3,
                    {path.string() + ": is a", "not a file"});
}

TEST_CASE("An interrupted prepare ends with 75 and leaves no list, index or half-written file") {
  const TemporaryDirectory dir;
  const std::string limit = "timeout --preserve-status -s TERM 1 ";
  const CommandResult drawn =
      run_command(limit + BOXSEG_BIN_DIR + "/prepare synthetic --images 100000 --output " + quoted(dir / "s"));
  REQUIRE(drawn.exit_code == 75);
  REQUIRE_THAT(drawn.err, Contains("interrupted"));
  REQUIRE_FALSE(fs::exists(dir / "s/ImageSets"));
  REQUIRE(temporary_files_in(dir.path()) == 0);
}
