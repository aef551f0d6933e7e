// The program crf refines class probabilities of one image with a dense CRF.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/base/error.h"
#include "common/base/files.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "common/base/outputs.h"
#include "common/crf/crf_flags.h"
#include "common/crf/dense_crf.h"
#include "common/io/highest_label.h"
#include "common/io/image.h"
#include "common/io/image_container.h"
#include "common/io/label_png.h"
#include "common/io/npy.h"
#include "common/runtime/parallel.h"
#include "common/runtime/program.h"

namespace {

using namespace boxseg;

struct Arguments {
  std::string image, probabilities, output, scores;
  double memory_limit_gb = static_cast<double>(CrfOptions().memory_limit_bytes) * 1e-9;
};

// Requires the shape [K,H,W] of the image. Other orders of the axes are told by the image's size, and named with their
// remedy.
void require_shape(const std::vector<int64_t>& shape, const RgbImage& image, bool is_turned, const Arguments& a) {
  const std::string found = fmt::format("{}: its shape is [{}]", a.probabilities, fmt::join(shape, ","));
  const int64_t h = image.height, w = image.width;
  const auto is = [&](const std::vector<int64_t>& sides) {
    return std::equal(sides.begin(), sides.end(), shape.begin(), shape.end());
  };
  if (shape.size() == 4 && shape[0] == 1)
    fail_input("{}, a batch of one image; write array[0], which is [K,H,W]: classes, height, width", found);
  if (shape.size() != 3 || shape[0] < 1) fail_input("{}, expected [K,H,W]: classes, height, width", found);
  const bool fits = shape[1] == h && shape[2] == w;
  if (!fits && is({h, w, shape[2]}))
    fail_input("{}, which is [H,W,K]; write numpy.ascontiguousarray(array.transpose(2, 0, 1)), which is [K,H,W]",
               found);
  if (!fits && is({shape[0], w, h}) && is_turned)
    fail_input(
        "{}, which fits {} as it is stored; its EXIF says to turn it, which viewers and boxseg do: {} high and {} "
        "wide. Make the probabilities of the upright photograph",
        found, a.image, h, w);
  if (!fits && is({shape[0], w, h}))
    fail_input("{}, which is [K,W,H]; write numpy.ascontiguousarray(array.transpose(0, 2, 1)), which is [K,H,W]",
               found);
  if (!fits)
    fail_input("{}, but {} is {} high and {} wide; resize the probabilities to the image", found, a.image, h, w);
  if (!a.output.empty() && shape[0] > 255)
    fail_input("{}: {} classes do not fit into a label PNG (at most 255); write --scores instead", a.probabilities,
               shape[0]);
}

// Warns of values that are no probabilities of each pixel; refuses those that are no numbers. The CRF would clip what
// lies outside [0, 1], so that logits lose their order.
void look_at(const FloatArray& array, const std::string& path) {
  const int64_t labels = array.shape[0], height = array.shape[1], width = array.shape[2];
  const auto pixels = static_cast<size_t>(height * width);
  std::vector<double> sums(pixels);
  float least = 0, most = 0;
  for (size_t i = 0; i < array.values.size(); ++i) {
    const float p = array.values[i];
    if (!std::isfinite(p)) {
      const auto at = static_cast<int64_t>(i % pixels);
      fail_input(
          "{}: [{},{},{}] is {}, no probability; mend the scores that it comes from (a network that diverged, 0/0, a "
          "number beyond float32)",
          path, i / pixels, at / width, at % width, std::isnan(p) ? "NaN" : "infinite");
    }
    least = std::min(least, p), most = std::max(most, p);
    sums[i % pixels] += p;
  }
  if (least < -1e-3f || most > 1 + 1e-3f) {
    log_warning(
        "{}: values from {:.4g} to {:.4g} are no probabilities, and are clipped to [0, 1]; of logits write the softmax "
        "over the {} classes",
        path, least, most, labels);
    return;
  }
  const auto is_off = [](double sum) { return std::abs(sum - 1) > 0.05; };
  const auto off = std::count_if(sums.begin(), sums.end(), is_off);
  if (off == 0) return;
  const auto first = std::find_if(sums.begin(), sums.end(), is_off) - sums.begin();
  log_warning(
      "{}: at {} of {} pixels the {} probabilities do not add up to 1 (at row {}, column {} to {:.4g}); is the first "
      "axis that of the classes?",
      path, off, pixels, labels, first / width, first % width, sums[static_cast<size_t>(first)]);
}

int run(int argc, char** argv) {
  Arguments a;
  CrfFlags flags;
  Options options({"crf", "Refines the class probabilities of an image with a dense CRF.",
                   "crf --image photo.jpg --probabilities probabilities.npy --output labels.png", "", kCrfFingerprint});
  options.add("image", &a.image, "the photograph, H x W", Role::input);
  options.add("probabilities", &a.probabilities, "NumPy array [K,H,W] of float32 or float64, a probability per class",
              Role::input);
  options.add("output", &a.output, "palette PNG to write: the most probable class of each pixel", Role::output);
  options.add("scores", &a.scores, "NumPy array [K,H,W] to write: the refined probabilities", Role::output);
  flags.declare(options, "iterations");
  options.add("memory-limit", &a.memory_limit_gb, "refuse an image that needs more, in GB", Role::run);
  if (!options.parse(argc, argv)) return 0;
  if (!options.check_file.empty()) {
    const LabelMap labels = read_label_png(options.check_file);
    log_info("{}: whole, {} x {} labels", options.check_file, labels.width, labels.height);
    return 0;
  }
  if (options.device != "auto" && options.device != "cpu")
    fail_usage("--device {}: crf runs on the CPU; leave --device out", options.device);
  require_given(a.image, "image");
  require_given(a.probabilities, "probabilities");
  if (a.output.empty() && a.scores.empty()) require_given(a.output, "output");
  if (!(a.memory_limit_gb > 0 && a.memory_limit_gb < 1e6))
    fail_usage("--memory-limit {}: expected a number of GB above 0", a.memory_limit_gb);
  CrfOptions crf = flags.chosen();
  crf.memory_limit_bytes = static_cast<int64_t>(a.memory_limit_gb * 1e9);
  require_name_of(Format::png, a.output);
  require_name_of(Format::npy, a.scores, "--scores");
  for (const auto& [path, option] : {std::pair{a.output, "--output"}, {a.scores, "--scores"}})
    if (!path.empty()) require_writable_file(path, option);

  const std::string photograph = read_file(a.image);
  const RgbImage image = decode_rgb(a.image, photograph);
  const std::vector<int64_t> shape = read_npy_shape(a.probabilities);
  require_shape(shape, image, orientation_of_image(photograph) != Orientation::upright, a);
  DenseCrf dense_crf(crf, resolve_threads(options.threads));
  dense_crf.require_memory(shape[0], shape[1], shape[2]);
  const FloatArray probabilities = read_npy(a.probabilities);
  look_at(probabilities, a.probabilities);
  const std::span<const float> q =
      dense_crf.infer_view(image.pixels, probabilities.values, shape[0], image.height, image.width);
  if (!a.scores.empty()) write_npy(a.scores, {shape, {q.begin(), q.end()}});
  if (!a.output.empty()) write_label_png(a.output, highest_label(q, shape[0], {image.height, image.width}));
  log_info("crf: {} classes, {} x {} pixels -> {}", shape[0], image.width, image.height,
           a.output.empty() ? a.scores : a.output);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return boxseg::run_program("crf", argc, argv, run); }
