// These tests call the crf program as a user does.
#include <cmath>
#include <filesystem>

#include "common/base/files.h"
#include "common/crf/dense_crf.h"
#include "common/io/image.h"
#include "common/io/jpeg.h"
#include "common/io/label_png.h"
#include "common/io/npy.h"
#include "tests/crf/support.h"
#include "tests/io/exif.h"
#include "tests/support/loaded_libraries.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using test::run_command;
using test::temporary_files_in;

namespace {

struct Files {
  test::TemporaryDirectory folder;
  test::CrfCase c = test::make_crf_case("program", 3, 40, 50);
  std::string program = std::string(BOXSEG_BIN_DIR) + "/crf";
  std::string image = (folder / "photo.png").string(), probabilities = (folder / "p.npy").string(),
              labels = (folder / "labels.png").string(), scores = (folder / "q.npy").string();

  Files() {
    RgbImage photo(c.height, c.width);
    photo.pixels = c.rgb;
    write_rgb_png(image, photo);
    write_npy(probabilities, {{c.labels, c.height, c.width}, c.probabilities});
  }
  test::CommandResult run(const std::string& arguments) const { return run_command("'" + program + "' " + arguments); }
  std::string inputs() const { return "--image '" + image + "' --probabilities '" + probabilities + "' "; }
};

}  // namespace

TEST_CASE("the crf program writes the library's beliefs and their most probable labels") {
  const Files f;
  const auto result = f.run(f.inputs() + "--output '" + f.labels + "' --scores '" + f.scores +
                            "' --bilateral 5,20,7 --gaussian 2,4 --iterations 3");
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.out.empty());
  CrfOptions o;
  o.bilateral_weight = 5, o.bilateral_xy = 20, o.bilateral_rgb = 7, o.gaussian_weight = 2, o.gaussian_xy = 4;
  o.iterations = 3;
  const auto q = DenseCrf(o, 1).infer(f.c.rgb, f.c.probabilities, 3, 40, 50);
  const FloatArray written = read_npy(f.scores);
  CHECK(written.shape == std::vector<int64_t>{3, 40, 50});
  CHECK(written.values == q);
  const LabelMap labels = read_label_png(f.labels);
  REQUIRE(labels.height == 40);
  REQUIRE(labels.width == 50);
  std::array<int, 3> seen{};
  for (size_t p = 0; p < 2000; ++p) {
    const int label = labels.pixels[p];
    REQUIRE(label < 3);
    ++seen[static_cast<size_t>(label)];
    for (size_t k = 0; k < 3; ++k) CHECK(q[k * 2000 + p] <= q[static_cast<size_t>(label) * 2000 + p]);
  }
  CHECK(std::min({seen[0], seen[1], seen[2]}) > 0);
  CHECK(f.run("--check '" + f.labels + "'").exit_code == 0);
}

TEST_CASE("the crf program without options is the authors' stage 2 setting") {
  const Files f;
  REQUIRE(f.run(f.inputs() + "--scores '" + f.scores + "'").exit_code == 0);
  CHECK(read_npy(f.scores).values == DenseCrf(CrfOptions{}, 1).infer(f.c.rgb, f.c.probabilities, 3, 40, 50));
  CHECK_FALSE(fs::exists(f.labels));
}

TEST_CASE("the crf program answers bad calls with a message and leaves nothing behind") {
  const Files f;
  const std::string output = "--output '" + f.labels + "' ";
  const auto refused = [&](const std::string& arguments, int code, const std::string& part) {
    INFO(arguments);
    const auto result = f.run(arguments);
    CHECK(result.exit_code == code);
    CHECK_THAT(result.err, Contains(part));
    CHECK_FALSE(fs::exists(f.labels));
    CHECK(temporary_files_in(fs::path(f.labels).parent_path()) == 0);
  };
  refused(output, 2, "--image is missing");
  refused("--image '" + f.image + "' " + output, 2, "--probabilities is missing");
  refused(f.inputs(), 2, "--output is missing");
  const std::string jpeg = (f.folder / "labels.jpg").string();
  refused(f.inputs() + "--output '" + jpeg + "'", 2, "labels.jpg: a PNG is written; name it labels.png");
  CHECK_FALSE(fs::exists(jpeg));
  refused(f.inputs() + output + "--bilateral 4,55", 2, "weight,sxy,srgb");
  refused(f.inputs() + output + "--gaussian 4,5,6", 2, "weight,sxy");
  refused(f.inputs() + output + "--bilateral -4,55,3", 2, "--bilateral: the weight is -4");
  refused(f.inputs() + output + "--iterations -2", 2, "--iterations -2");
  refused(f.inputs() + output + "--itrations 2", 2, "--iterations");
  refused(f.inputs() + output + "--device cuda", 2, "--device cuda");
  refused(f.inputs() + output + "--memory-limit 0.0001", 3, "limit of 0.0 GB");
  refused("--image /nowhere.jpg --probabilities '" + f.probabilities + "' " + output, 3, "/nowhere.jpg");

  write_npy(f.probabilities, {{3, 25, 80}, f.c.probabilities});
  refused(f.inputs() + output, 3, "is 40 high and 50 wide");
  write_npy(f.probabilities, {{3, 50, 40}, f.c.probabilities});
  refused(f.inputs() + output, 3,
          "p.npy: its shape is [3,50,40], which is [K,W,H]; write numpy.ascontiguousarray(array.transpose(0, 2, 1))");
  write_npy(f.probabilities, {{40, 50, 3}, f.c.probabilities});
  refused(f.inputs() + output, 3,
          "p.npy: its shape is [40,50,3], which is [H,W,K]; write numpy.ascontiguousarray(array.transpose(2, 0, 1))");
  write_npy(f.probabilities, {{1, 3, 40, 50}, f.c.probabilities});
  refused(f.inputs() + output, 3, "p.npy: its shape is [1,3,40,50], a batch of one image; write array[0]");
  write_npy(f.probabilities, {{3 * 40, 50}, f.c.probabilities});
  refused(f.inputs() + output, 3, "expected [K,H,W]");
  auto values = f.c.probabilities;
  values[7] = NAN;
  write_npy(f.probabilities, {{3, 40, 50}, values});
  refused(f.inputs() + output, 3, "p.npy: [0,0,7] is NaN, no probability; mend the scores that it comes from");
  values[7] = 0.5f, values[2 * 2000 + 3 * 50 + 4] = -INFINITY;
  write_npy(f.probabilities, {{3, 40, 50}, values});
  refused(f.inputs() + output, 3, "p.npy: [2,3,4] is infinite");
  write_npy(f.probabilities, {{256, 40, 50}, std::vector<float>(256 * 2000, 0.1f)});
  refused(f.inputs() + output, 3, "256 classes");
}

TEST_CASE("the crf program says of values that they are no probabilities, and says nothing of those that are") {
  const Files f;
  const auto told = [&](const auto& change) {
    auto values = f.c.probabilities;
    for (float& v : values) v = change(v);
    write_npy(f.probabilities, {{3, 40, 50}, values});
    const auto result = f.run(f.inputs() + "--iterations 0 --output '" + f.labels + "'");
    INFO(result.err);
    CHECK(result.exit_code == 0);
    const size_t at = result.err.find("warning: ");
    return at == std::string::npos ? "" : result.err.substr(at, result.err.find('\n', at) - at);
  };
  CHECK(told([](float v) { return v; }) == "");
  CHECK(told([](float v) { return std::round(v * 255) / 255; }) == "");  // the probabilities were kept as a picture
  CHECK_THAT(told([](float v) { return 4 * std::log(v) + 2; }),
             Contains("p.npy: values from -") && Contains("of logits write the softmax over the 3 classes"));
  CHECK_THAT(told([](float v) { return v * 255; }),
             Contains("p.npy: values from 0 to 2") && Contains("are no probabilities"));
  CHECK_THAT(told([](float) { return 1e38f; }), Contains("values from 0 to 1e+38 are no probabilities"));
  CHECK_THAT(told([](float v) { return -v; }), Contains("are no probabilities"));
  CHECK_THAT(told([](float) { return 0.f; }),
             Contains("at 2000 of 2000 pixels the 3 probabilities do not add up to 1 (at row 0, column 0 to 0)"));
  CHECK_THAT(told([](float v) { return v > 0.5f ? 1.f : 0.9f * v; }), Contains("do not add up to 1"));
}

TEST_CASE("the crf program does not write over what it reads, nor over a device") {
  const Files f;
  const std::string photo = read_file(f.image), probabilities = read_file(f.probabilities),
                    link = (f.folder / "l.png").string(), hard = (f.folder / "h.png").string();
  fs::create_symlink(f.image, link);
  fs::create_hard_link(f.image, hard);
  const auto refused = [&](const std::string& arguments, const std::string& part) {
    const auto result = f.run(f.inputs() + arguments);
    CAPTURE(arguments, result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains(part));
    CHECK(read_file(f.image) == photo);
    CHECK(read_file(f.probabilities) == probabilities);
  };
  for (const auto& output : {f.image, link, hard})
    refused("--output '" + output + "'", "is the file that is read as --image");
  refused("--scores '" + f.probabilities + "'", "is the file that is read as --probabilities");
  refused("--output '" + f.labels + "' --scores '" + f.labels + "'", "is --output, too");
  refused("--output /dev/null", "/dev/null: is a device, not a file");
  CHECK(fs::is_character_file("/dev/null"));
  CHECK_FALSE(fs::exists(f.labels));
}

TEST_CASE("an image beyond the memory is no bad image") {
  if (test::kHasAddressSanitizer) return test::skip("AddressSanitizer does not work within a limit of addresses");
  Files f;
  const auto number = [](uint32_t value) { return std::string(reinterpret_cast<const char*>(&value), 4); };
  const std::string header = "BM" + number(54) + number(0) + number(54) + number(40) + number(30000) + number(30000) +
                             std::string("\1\0\30\0", 4) + std::string(24, '\0');
  f.image = (f.folder / "huge.bmp").string();
  write_file(f.image, header + std::string(1000, 'x'));
  const auto result =
      run_command("ulimit -v 1500000; '" + f.program + "' " + f.inputs() + "--output '" + f.labels + "'");
  INFO(result.err);
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.err, Contains("huge.bmp: has more pixels than there is memory for"));
}

TEST_CASE("probabilities of the photograph as it is stored are told from turned ones") {
  Files f;
  f.image = (f.folder / "turned.jpg").string();
  RgbImage photo(50, 40);
  const std::string jpeg = encode_jpeg(photo, 90);
  write_file(f.image,
             test::jpeg_with_exif(jpeg, test::exif_of(6)));  // stored 50 high and 40 wide; upright 40 high and 50 wide
  const std::string output = "--iterations 1 --output '" + f.labels + "'";
  CHECK(f.run(f.inputs() + output).exit_code == 0);
  write_npy(f.probabilities, {{3, 50, 40}, f.c.probabilities});
  const auto refused = f.run(f.inputs() + output);
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("which fits ") && Contains("turned.jpg as it is stored; its EXIF says to turn it"));
}

TEST_CASE("unusual photographs are read by the library beside the program, and without it a message says what to do") {
  Files f;
  const std::string usual = f.inputs();
  f.image = (f.folder / "photo.ppm").string();
  const std::string pixels(f.c.rgb.begin(), f.c.rgb.end()), outputs = "--iterations 1 --output '" + f.labels + "'";
  write_file(f.image, "P6 50 40 255\n" + pixels);

  const auto loaded = test::loaded_libraries("'" + f.program + "' " + f.inputs() + outputs);
  INFO(loaded.result.err);
  REQUIRE(loaded.result.exit_code == 0);
  CHECK(loaded.has("imgcodecs"));
  const std::string labels = read_file(f.labels);
  REQUIRE(f.run(usual + outputs).exit_code == 0);
  CHECK(read_file(f.labels) == labels);

  // Here a copy of the program stands in a folder of its own.
  const fs::path root = f.folder / "elsewhere", library = root / "lib/libboxseg_codecs.so";
  make_directories(root / "bin");
  make_directories(root / "lib");
  fs::copy_file(f.program, root / "bin/crf");
  f.program = (root / "bin/crf").string();
  CHECK(f.run(usual + outputs).exit_code == 0);
  const auto absent = f.run(f.inputs() + outputs);
  CHECK(absent.exit_code == 3);
  CHECK_THAT(absent.err,
             Contains("photo.ppm: is no PNG and no JPEG of the usual kinds") &&
                 Contains("libboxseg_codecs.so: cannot open shared object file") &&
                 Contains("convert it to JPEG or PNG, or install libboxseg_codecs.so and OpenCV's image codecs"));
  write_file(library, "no library");
  const auto damaged = f.run(f.inputs() + outputs);
  CHECK(damaged.exit_code == 3);
  CHECK_THAT(damaged.err, Contains("elsewhere/lib/libboxseg_codecs.so: file too short"));
  fs::remove(library);
  fs::copy_file(fs::path(BOXSEG_BIN_DIR) / "../lib/libboxseg_codecs.so", library);
  CHECK(f.run(f.inputs() + outputs).exit_code == 0);
}

TEST_CASE("a CPU without AVX2 is told of, rather than met with an illegal instruction") {
  if (run_command("command -v qemu-x86_64").exit_code != 0) {
    test::skip("no qemu-x86_64 (Debian package qemu-user) to stand in for an old CPU");
    return;
  }
  const Files f;
  const auto result = run_command("qemu-x86_64 -cpu Nehalem '" + f.program + "' --version");
  CHECK(result.exit_code == 1);
  CHECK(result.err.find("this CPU has no AVX2") != std::string::npos);
}
