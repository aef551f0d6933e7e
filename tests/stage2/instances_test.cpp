// --instances: COCO results of label maps, by hand and by the program.
#include "stage2_pseudolabel/instances.h"

#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "common/data/formats/coco/coco_mask.h"
#include "common/labels/box_masks.h"
#include "stage2_pseudolabel/instance_files.h"
#include "tests/stage2/small_world.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

using Json = nlohmann::json;

// A photograph of 4 x 6 with two boxes of class 1, one in the other, one of class 2, and a crowd over all.
struct Nested {
  Dataset dataset;
  Geometry geometry;
  LabelMap labels{4, 6};
  std::vector<float> confidence = std::vector<float>(24, 0.f);
  Nested() {
    dataset.class_names = {"background", "cat", "dog"};
    dataset.class_ids = {"17", "18"};
    dataset.box_numbers = BoxNumbers::edges;
    ImageEntry image;
    image.id = "a";
    image.source_id = "139";
    image.size = {4, 6};
    image.boxes = {{0, 0, 5, 4, 1}, {2, 1, 5, 3, 1}, {5, 0, 6, 1, 2}, {0, 0, 6, 4, 1}};
    image.boxes[3].is_crowd = true;
    dataset.images = {image};
    dataset.splits["all"] = {0};
    geometry = make_geometry(image.boxes, image.size, BoxConvention::edges);
    set(0, 0, 1, 0.5f), set(0, 3, 1, 0.25f);                     // of the outer box
    set(1, 2, 1, 1.f), set(2, 2, 1, 0.5f), set(2, 4, 1, 0.75f);  // of the inner one
    set(3, 5, 1, 1.f);                                           // of the crowd alone
  }
  void set(int64_t y, int64_t x, uint8_t label, float confident) {
    labels.at(y, x) = label;
    confidence[static_cast<size_t>(y * 6 + x)] = confident;
  }
};

LabelMap pixels_of(const Json& result) {
  const auto& segmentation = result["segmentation"];
  const RunLengths mask =
      mask_of_text(segmentation["counts"].get<std::string>(), segmentation["size"][0], segmentation["size"][1]);
  LabelMap pixels(mask.height, mask.width);
  int64_t at = 0;
  for (size_t i = 0; i < mask.runs.size(); ++i)
    for (const int64_t end = at + mask.runs[i]; at < end; ++at) pixels.at(at % mask.height, at / mask.height) = i % 2;
  return pixels;
}

// Lets this process have no more files open, as long as it lives.
class FewOpenFiles {
 public:
  explicit FewOpenFiles(rlim_t files) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit fewer{files, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &fewer) == 0);
  }
  ~FewOpenFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::string check_of(const fs::path& path) {
  return fmt::format("'{}/stage2_pseudolabel' --check '{}'", BOXSEG_BIN_DIR, path.string());
}

}  // namespace

TEST_CASE("a result of a box is the pixels that it owns, their box, and their mean confidence", "[stage2]") {
  const Nested nested;
  const InstanceMaker maker("per_box", nested.dataset);
  const auto lines = read_lines(maker.results(0, nested.geometry, nested.labels, nested.confidence));
  REQUIRE(lines.size() == 2);  // none of the dog, which has no pixel, and none of the crowd
  CHECK(lines[0] == R"({"image_id": 139, "category_id": 17, "segmentation": {"size": [4, 6], "counts": "01;00"}, )"
                    R"("bbox": [0, 0, 4, 1], "score": 0.375})");
  const Json inner = Json::parse(lines[1]);
  CHECK(inner["score"] == 0.75);
  CHECK(inner["bbox"] == Json({2, 1, 3, 2}));
  const LabelMap pixels = pixels_of(inner);
  CHECK(std::count(pixels.pixels.begin(), pixels.pixels.end(), 1) == 3);
  CHECK((pixels.at(1, 2) == 1 && pixels.at(2, 2) == 1 && pixels.at(2, 4) == 1));
  CHECK(Json::parse(read_lines(maker.results(0, nested.geometry, nested.labels, {}))[0])["score"] == 1);
}

TEST_CASE("a result of a class is all its pixels, with score 1", "[stage2]") {
  Nested nested;
  nested.labels.at(0, 5) = 2;
  const InstanceMaker maker("per_class", nested.dataset);
  const auto lines = read_lines(maker.results(0, nested.geometry, nested.labels, nested.confidence));
  REQUIRE(lines.size() == 2);
  LabelMap together(4, 6);
  for (size_t c = 0; c < 2; ++c) {
    const Json result = Json::parse(lines[c]);
    CHECK(result["score"] == 1);
    CHECK(result["category_id"] == 17 + c);
    const LabelMap pixels = pixels_of(result);
    for (size_t p = 0; p < 24; ++p)
      if (pixels.pixels[p]) together.pixels[p] = static_cast<uint8_t>(c + 1);
  }
  CHECK(together == nested.labels);
}

TEST_CASE("results are as large as the photograph where the labels are of a smaller copy", "[stage2]") {
  Nested nested;
  nested.dataset.images[0].source_size = {8, 18};
  const Json result = Json::parse(read_lines(
      InstanceMaker("per_box", nested.dataset).results(0, nested.geometry, nested.labels, nested.confidence))[1]);
  CHECK(result["segmentation"]["size"] == Json({8, 18}));
  CHECK(result["bbox"] == Json({6, 2, 9, 4}));
  const LabelMap pixels = pixels_of(result);
  CHECK(std::count(pixels.pixels.begin(), pixels.pixels.end(), 1) == 3 * 6);
  CHECK(result["score"] == 0.75);
}

TEST_CASE("a run writes the results of both label maps, whose masks are the label maps", "[stage2]") {
  const SmallWorld world;
  world.give_ids(900);
  must_run(world.command("out", "--instances per_box"));
  must_run(world.command("plain"));
  const fs::path out = world.dir / "out";
  CHECK(labels_in(bytes_of(out), "Y_") == labels_in(bytes_of(world.dir / "plain"), "Y_"));
  CHECK_FALSE(fs::exists(world.dir / "plain/instances.json"));
  CHECK_FALSE(fs::exists(world.dir / "plain/instances"));
  const Dataset dataset = read_dataset(world.dir / "dataset.h5");
  for (const auto& [file, folder] : {std::pair{"instances.json", "Y_crf"}, {"instances_ret.json", "Y_ret"}}) {
    CAPTURE(file);
    const Json results = Json::parse(read_file(out / file));
    REQUIRE(results.size() > 12);
    size_t at = 0;
    for (const auto& image : dataset.images) {  // in the order of the split
      LabelMap labels = read_label_png(out / folder / (image.id + ".png")), together(labels.height, labels.width);
      for (; at < results.size() && results[at]["image_id"] == std::stoi(image.source_id); ++at) {
        const auto found =
            std::find(dataset.class_ids.begin(), dataset.class_ids.end(), results[at]["category_id"].dump());
        REQUIRE(found != dataset.class_ids.end());
        const double score = results[at]["score"];
        CHECK((score > 0 && score <= 1));
        const LabelMap pixels = pixels_of(results[at]);
        for (size_t p = 0; p < pixels.pixels.size(); ++p) {
          if (!pixels.pixels[p]) continue;
          REQUIRE(together.pixels[p] == 0);  // no pixel is of two boxes
          together.pixels[p] = static_cast<uint8_t>(found - dataset.class_ids.begin() + 1);
        }
      }
      CHECK(together == labels);
    }
    CHECK(at == results.size());
  }

  const Manifest manifest = read_manifest(out / "manifest.h5");
  CHECK(manifest.outputs.size() == 12 * 2 + 1 + 2 + 2);
  CHECK_THAT(must_run(check_of(out / "manifest.h5")).out, Contains("29 files"));
  CHECK_THAT(must_run(check_of(out / "instances_ret.json")).out, Contains("whole, ") && Contains(" results"));
  CHECK_THAT(must_run(world.command("out", "--instances per_box")).err, Contains("up to date"));
  {
    INFO("without them they are joined again, from what the shard keeps");
    const std::string before = read_file(out / "instances.json");
    fs::remove(out / "instances.json");
    CHECK_THAT(must_run(world.command("out", "--instances per_box")).err, Contains("up to date"));
    CHECK(read_file(out / "instances.json") == before);
    CHECK(read_manifest(out / "manifest.h5").digest() == manifest.digest());
  }
  {
    INFO("a file that was touched is found");
    write_file(out / "instances.json", read_file(out / "instances.json").replace(80, 1, "}"));
    CHECK(run_command(check_of(out / "manifest.h5")).exit_code == 3);
    CHECK(run_command(check_of(out / "instances.json")).exit_code == 3);
  }
  {
    INFO("other ids of the annotations make them again, but leave runs without them as they are");
    world.give_ids(800);
    CHECK_THAT(must_run(world.command("out", "--instances per_box")).err, !Contains("up to date"));
    CHECK_THAT(read_file(out / "instances.json"), Contains("\"image_id\": 800,"));
    CHECK_THAT(must_run(world.command("plain")).err, Contains("up to date"));
  }
  {
    INFO("a run without them takes them away");
    must_run(world.command("out"));
    CHECK_FALSE(fs::exists(out / "instances.json"));
    CHECK_FALSE(fs::exists(out / "instances_ret.json"));
    CHECK(fs::is_empty(out / "instances"));
  }
}

TEST_CASE("shards, and attention without the network, give the very results of one run", "[stage2]") {
  const SmallWorld world;
  for (const std::string kind : {"per_box", "per_class"}) {
    CAPTURE(kind);
    const std::string option = "--instances " + kind;
    CHECK_THAT(must_run(world.command("one" + kind, option + " --threads 1")).err,
               Contains("image_id counts the images of the dataset from 1 on, 1 is 'image_0'"));
    for (const int shard : {2, 0, 1})
      must_run(world.command("many" + kind, fmt::format("{} --shard {}/3 --threads 3", option, shard)));
    const fs::path one = world.dir / ("one" + kind), many = world.dir / ("many" + kind);
    for (const char* file : {"instances.json", "instances_ret.json"})
      CHECK(read_file(one / file) == read_file(many / file));
    must_run(world.from_attention("one" + kind, "again" + kind, option));
    CHECK(read_file(world.dir / ("again" + kind) / "instances.json") == read_file(one / "instances.json"));
    CHECK_FALSE(fs::exists(world.dir / ("again" + kind) / "instances_ret.json"));
    {
      INFO("they are no part of the attention");
      must_run(world.command("plain"));
      must_run(world.from_attention("plain", "from plain"));
      CHECK(read_manifest(world.dir / ("again" + kind) / "manifest.h5").inputs.at("attention") ==
            read_manifest(world.dir / "from plain/manifest.h5").inputs.at("attention"));
    }
  }
  CHECK(read_file(world.dir / "oneper_box/instances.json") != read_file(world.dir / "oneper_class/instances.json"));

  INFO("a shard's file that was touched is not joined");
  const fs::path many = world.dir / "manyper_box", part = many / shard_results_file(InstanceMap::y_crf, {1, 3});
  write_file(part, read_file(part) + "9\t{}\n");
  fs::remove(many / "manifest.h5");
  const auto refused =
      run_command(fmt::format("'{}/stage2_pseudolabel' merge --output '{}'", BOXSEG_BIN_DIR, many.string()));
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("shard-0001-of-0003.y_crf.txt"));
}

TEST_CASE("results are joined in the order of the split, however many shards and however long lines", "[stage2]") {
  const TemporaryDirectory dir;
  std::string expected = "[";
  std::vector<Shard> shards;
  std::vector<Manifest> manifests;
  constexpr int64_t kShards = 60, kImages = 1000;
  for (int64_t s = 0; s < kShards; ++s) {
    shards.push_back({s, kShards});
    ShardResultsWriter writer(dir.path(), shards.back(), InstanceMap::y_crf);
    for (int64_t i = s; i < kImages; i += kShards) {
      const std::string line =
          fmt::format("{{\"image_id\": {}, \"filler\": \"{}\"}}\n", i, std::string(i % 97 == 0 ? 2'000'000 : 5, 'x'));
      writer.add(i, i % 3 == 0 ? line + line : i % 3 == 1 ? line : "");
    }
    Manifest manifest;
    const std::string path = shard_results_file(InstanceMap::y_crf, shards.back());
    const Digest digest = writer.close_and_commit();
    manifest.outputs.push_back({path, static_cast<int64_t>(fs::file_size(dir / path)), digest});
    manifests.push_back(manifest);
  }
  const auto outputs = [&] {
    const FewOpenFiles fewer_than_shards(40);
    return join_results(dir.path(), shards, manifests);
  }();
  REQUIRE(outputs.size() == 1);
  CHECK(outputs[0].path == "instances.json");
  const Json joined = Json::parse(read_file(dir / "instances.json"));
  size_t at = 0;
  for (int64_t i = 0; i < kImages; ++i)
    for (int64_t n = i % 3 == 0 ? 2 : i % 3 == 1 ? 1 : 0; n > 0; --n) REQUIRE(joined.at(at++)["image_id"] == i);
  CHECK(at == joined.size());
}

TEST_CASE("killed and started again, a run has the results of an undisturbed one", "[stage2][slow]") {
  const SmallWorld world(40, {160, 200});
  must_run(world.command("whole", "--instances per_box"));
  int resumed = 0;
  for (int delay = 45;; delay += delay / 4) {  // hundredths of a second
    const auto result = run_command(fmt::format("timeout -s KILL {}.{:02} {}", delay / 100, delay % 100,
                                                world.command("killed", "--instances per_box")));
    resumed += result.err.find("were finished before") != std::string::npos;
    INFO(result.err);
    if (result.exit_code == 0) break;
    REQUIRE(result.exit_code == 137);
    REQUIRE(delay < 10'000);
  }
  CHECK(resumed > 0);
  CHECK(bytes_of(world.dir / "killed") == bytes_of(world.dir / "whole"));
  CHECK(read_manifest(world.dir / "killed/manifest.h5").digest() ==
        read_manifest(world.dir / "whole/manifest.h5").digest());
}
