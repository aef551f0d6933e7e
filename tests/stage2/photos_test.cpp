// Whole photos go from the JPEG to the PNG through the program itself (golden/photos.h5), with VGG-16 whose weights are
// by a formula.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include "common/base/files.h"
#include "common/base/text.h"
#include "common/data/formats/voc/voc.h"
#include "common/io/label_png.h"
#include "common/labels/attention.h"
#include "stage2_pseudolabel/class_weights.h"
#include "stage2_pseudolabel/measure_features.h"
#include "stage2_pseudolabel/pseudo_label.h"
#include "tests/stage2/golden_image.h"
#include "tests/support/golden_weights.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;
using namespace boxseg::test;

namespace {

const std::vector<std::string> kPhotos = {"2009_000012", "2007_001420", "2007_001724", "2007_006490", "2010_004370"};

struct PhotoRun {
  Dataset dataset;
  fs::path dataset_file, checkpoint;
};

// Makes a dataset of photos, and the authors' kind of checkpoint: a bare state_dict.
PhotoRun prepare_photos(const fs::path& shared, const TemporaryDirectory& dir,
                        const std::vector<std::string>& ids = kPhotos) {
  write_file(dir / "photos.txt", join(ids, "\n"));
  VocOptions options;
  options.root = shared / "voc2012-subset";
  options.splits = {{"photos", (dir / "photos.txt").string()}};
  VocReport report;
  PhotoRun run{index_voc(options, report), dir / "dataset.h5", dir / "classifier.pt"};
  write_dataset(run.dataset_file, run.dataset);
  const auto network = golden_vgg16("plain");
  const H5Reader golden(shared / "golden/photos.h5");
  set_tensor(*network, "classifier.weight", golden.read<float>("classifier_weight"));
  write_checkpoint(run.checkpoint, {network->state_dict(), {}});
  return run;
}

const ImageEntry& entry_of(const Dataset& dataset, const std::string& id) {
  for (const auto& entry : dataset.images)
    if (entry.id == id) return entry;
  fail("no image {}", id);
}

std::vector<double> plane_means(const Planes& planes) {
  std::vector<double> means;
  for (int64_t k = 0; k < planes.count; ++k) {
    double sum = 0;
    for (int64_t p = 0; p < planes.area(); ++p) sum += planes.plane(k)[p];
    means.push_back(sum / static_cast<double>(planes.area()));
  }
  return means;
}

double largest_difference_of(const std::vector<double>& a, const std::vector<double>& b) {
  ensure(a.size() == b.size(), "comparing {} numbers with {}", a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("the program gives the authors' label maps of whole photos", "[stage2][golden][slow]") {
  SHARED_OR_SKIP(shared);
  TemporaryDirectory dir;
  const PhotoRun photos = prepare_photos(shared, dir);
  const auto result = run_command(
      fmt::format("{}/stage2_pseudolabel --dataset '{}' --split photos --checkpoint '{}' --output '{}' --device cpu",
                  BOXSEG_BIN_DIR, photos.dataset_file.string(), photos.checkpoint.string(), (dir / "labels").string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  for (const auto& id : kPhotos)
    for (const char* kind : {"Y_crf", "Y_ret"}) {
      INFO(id << " " << kind);
      const LabelMap made = read_label_png(dir.path() / "labels" / kind / (id + ".png"));
      const LabelMap golden = read_label_png(shared / "golden/photos" / kind / (id + ".png"));
      CHECK(share_of_differences(made.pixels, golden.pixels) <= 5e-4);
    }
}

TEST_CASE("twenty photos with VGG-16 need less than 1.5 GB", "[stage2][golden][slow]") {
  SHARED_OR_SKIP(shared);
  TemporaryDirectory dir;
  auto ids = read_lines(read_file(shared / "voc2012-subset/ImageSets/Segmentation/val.txt"));
  ids.resize(20);
  const PhotoRun photos = prepare_photos(shared, dir, ids);
  const auto result = run_command(
      fmt::format("{}/stage2_pseudolabel --dataset '{}' --split photos --checkpoint '{}' --output '{}' --device cpu",
                  BOXSEG_BIN_DIR, photos.dataset_file.string(), photos.checkpoint.string(), (dir / "labels").string()));
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  rusage usage{};  // the largest of all children so far, so at least this one's
  REQUIRE(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  CHECK(usage.ru_maxrss < 1500 * 1000);  // kB
}

TEST_CASE("features, attention, CAMs and unaries of whole photos equal the authors'", "[stage2][golden][slow]") {
  SHARED_OR_SKIP(shared);
  TemporaryDirectory dir;
  const PhotoRun photos = prepare_photos(shared, dir);
  const H5Reader golden(shared / "golden/photos.h5");
  const LoadedNetwork loaded = load_network(photos.checkpoint, at::kCPU);
  const ClassWeights weights =
      match_classes(loaded.network->classifier_weight(), loaded.record, photos.dataset.class_names, "golden");
  const c10::InferenceMode inference;
  for (const auto& id : kPhotos) {
    INFO(id);
    const ImageEntry& entry = entry_of(photos.dataset, id);
    const RgbImage image = read_rgb(photos.dataset.image_path(entry));
    const Geometry geometry = make_geometry(entry.boxes, entry.size, BoxConvention::reference);
    std::vector<int64_t> boxes;
    for (const auto& b : geometry.boxes) boxes.insert(boxes.end(), {b.x0, b.y0, b.x1, b.y1, b.class_id});
    CHECK(boxes == golden.read<int64_t>(id + "/boxes_pixels_int"));

    const auto input = normalise({image.pixels.begin(), image.pixels.end()}, image.height, image.width,
                                 loaded.network->normalisation());
    const at::Tensor features =
        loaded.network
            ->features(at::from_blob(const_cast<float*>(input.data()), {1, 3, image.height, image.width}, at::kFloat),
                       Pass{})[0]
            .contiguous();
    CHECK(features.mean(at::kDouble).item<double>() ==
          Approx(golden.attribute<double>(id, "features_mean")).epsilon(1e-5));
    CHECK(features.to(at::kDouble).std().item<double>() ==
          Approx(golden.attribute<double>(id, "features_std")).epsilon(1e-5));

    const FeatureMaps maps = measure_features(features, geometry, weights, 1, 2);
    DenseCrf crf(CrfOptions{}, 2);
    Intermediates steps;
    make_pseudo_labels({}, geometry, image, maps, features, weights, crf, 2, &steps);
    const auto& u0 = steps.parts.background;
    const double u0_max = *std::max_element(steps.attention_raw.begin(), steps.attention_raw.end());
    double inside = 0, kept = 0, sum = 0;
    for (size_t p = 0; p < u0.size(); ++p) {
      if (geometry.is_background[p]) continue;
      inside += 1;
      kept += u0[p] > 0;
      sum += u0[p];
    }
    CHECK(std::abs(u0_max - golden.attribute<double>(id, "u0_max")) <= 5e-6);
    CHECK(std::abs(sum / inside - golden.attribute<double>(id, "u0_mean_inside")) <= 1e-3);
    CHECK(std::abs(kept / inside - golden.attribute<double>(id, "u0_keep_inside")) <= 1e-3);
    CHECK(largest_difference_of(plane_means(steps.parts.foreground), golden.read<double>(id + "/cam_normed_mean")) <=
          1e-5);
    CHECK(largest_difference_of(plane_means(steps.unary), golden.read<double>(id + "/unary_mean")) <= 1e-5);
    CHECK(largest_difference_of(plane_means(steps.q_before_reset), golden.read<double>(id + "/Q_mean")) <= 1e-5);
  }
}

// This stands after the test of peak memory, which looks at the largest of all children.
TEST_CASE("VGG-16 goes through the three stages on photos", "[stage2][golden][slow]") {
  SHARED_OR_SKIP(shared);
  TemporaryDirectory dir;
  const PhotoRun photos = prepare_photos(shared, dir);
  const auto run = [&](const std::string& words, const std::string& more) {
    const auto result = run_command(fmt::format("{}/{} --dataset '{}' --split photos --device cpu {}", BOXSEG_BIN_DIR,
                                                words, photos.dataset_file.string(), more));
    INFO(words << "\n" << result.err);
    REQUIRE(result.exit_code == 0);
  };
  const auto path = [&](const char* name) { return "'" + (dir / name).string() + "'"; };
  // The weights are those of steps.h5: with formula_mixed as it is, stage 1 explodes in the authors' code, too.
  const Checkpoint before{steps_network(H5Reader(shared / "golden/steps.h5"), "stage1")->state_dict(), {}};
  write_checkpoint(dir / "init.pt", before);
  const std::string training = "--backbone vgg16 --batch 2 --iterations 2 --init " + path("init.pt");
  run("stage1_classify", training + " --output " + path("stage1"));
  run("stage2_pseudolabel", "--checkpoint " + path("stage1/classifier.pt") + " --output " + path("labels"));
  run("stage3_segment train", training + " --labels " + path("labels") + " --output " + path("stage3"));
  run("stage3_segment predict",
      "--checkpoint " + path("stage3/segmenter.pt") + " --scales 1 --output " + path("masks"));
  for (const auto& id : kPhotos) {
    const LabelMap mask = read_label_png(dir / "masks" / (id + ".png"));
    CHECK(ImageSize{mask.height, mask.width} == entry_of(photos.dataset, id).size);
  }

  for (const char* name : {"stage1/classifier.pt", "stage3/segmenter.pt"}) {
    const Checkpoint after = read_checkpoint(dir / name);
    REQUIRE(after.tensors.size() == before.tensors.size());
    for (size_t i = 0; i < after.tensors.size(); ++i) {
      INFO(name << " " << after.tensors[i].first);
      CHECK(after.tensors[i].second.isfinite().all().item<bool>());
      CHECK_FALSE(after.tensors[i].second.equal(before.tensors[i].second));  // every layer learns
    }
  }
}
