#include "stage2_pseudolabel/label_run.h"

#include <algorithm>
#include <cmath>

#include "common/base/crew.h"
#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/data/loader.h"
#include "common/io/label_png.h"
#include "common/nn/transfer.h"
#include "stage2_pseudolabel/labels.h"
#include "stage2_pseudolabel/maps_bytes.h"
#include "stage2_pseudolabel/pseudo_label.h"

namespace boxseg {
namespace {

constexpr int kMostWorkers = 8;                    // beyond, an image's pixels are shared out instead
constexpr int64_t kBytesInProgress = 800ll << 20;  // of the CRFs of all workers together, by their upper bounds

// A decoded image on its way to the network.
struct Decoded {
  int64_t index = 0;  // into dataset.images
  RgbImage image;
  std::vector<float> input;  // [3,H,W] normalised; empty where no network is asked
  std::string reason_skipped;
};

// An image with its features on its way to the labels.
struct Job {
  int64_t index = 0;
  RgbImage image;
  at::Tensor features;  // [C,h,w], undefined where no network was asked
};

RgbImage read_verified(const Dataset& dataset, const ImageEntry& entry) {
  const fs::path path = dataset.image_path(entry);
  RgbImage image = read_rgb(path);
  if (image.height != entry.size.height || image.width != entry.size.width)
    fail_input("{}: is {}x{}, the dataset says {}x{}; run prepare again", path.string(), image.width, image.height,
               entry.size.width, entry.size.height);
  if (!entry.image_digest.empty() && digest_of_file(path) != entry.image_digest)
    fail_input("{}: is not the file that prepare indexed; run prepare again", path.string());
  return image;
}

// Not a fault of the image, so never a reason to skip it.
void require_finite(const FeatureMaps& maps, const ImageEntry& image) {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(maps.gram.begin(), maps.gram.end(), is_finite) ||
      !std::all_of(maps.class_maps.begin(), maps.class_maps.end(), is_finite))
    fail(
        "image '{}': the network's features are not finite numbers; --checkpoint is damaged or comes from a training "
        "that "
        "diverged: train again with a lower --learning-rate",
        image.id);
}

class Labelling {
 public:
  Labelling(const LabelPlan& plan, LabelSource& source, const Dataset& dataset, const fs::path& output,
            FinishedImages& finished, Progress& progress)
      : plan_(plan),
        source_(source),
        dataset_(dataset),
        output_(output),
        finished_(finished),
        progress_(progress),
        palette_(dataset.palette.empty() ? voc_palette() : dataset.palette),
        budget_(kBytesInProgress) {
    workers_ = std::clamp(plan.threads, 1, kMostWorkers);
    threads_each_ = std::max(1, plan.threads / workers_);
    for (int i = 0; i < workers_; ++i) crfs_.emplace_back(plan.crf, threads_each_);
  }

  void run(const std::vector<int64_t>& todo) {
    Loader<Decoded> loader(0, static_cast<int64_t>(todo.size()), std::min(workers_, 4), 2 * std::min(workers_, 4),
                           [&](int64_t i) { return decode(todo[static_cast<size_t>(i)]); });
    Crew<Job> crew(workers_, static_cast<size_t>(workers_), [this](int worker, Job& job) { label(worker, job); });
    while (!is_interrupted()) {
      std::optional<Decoded> next = loader.next();
      if (!next) break;
      if (!next->reason_skipped.empty()) {
        skip(next->index, next->reason_skipped);
        continue;
      }
      if (!crew.give({next->index, std::move(next->image), features_of(*next)})) break;
    }
    crew.finish(is_interrupted());
    finished_.sync();
    throw_if_interrupted();
  }

 private:
  const ImageEntry& entry(int64_t index) const { return dataset_.images[static_cast<size_t>(index)]; }

  Decoded decode(int64_t index) const {
    Decoded decoded;
    decoded.index = index;
    try {
      decoded.image = read_verified(dataset_, entry(index));
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input || !plan_.skips_bad_images) throw;
      decoded.reason_skipped = e.what();
      return decoded;
    }
    if (source_.network && !entry(index).boxes.empty()) {
      const std::vector<float> values(decoded.image.pixels.begin(), decoded.image.pixels.end());
      decoded.input = normalise(values, decoded.image.height, decoded.image.width, source_.network->normalisation());
    }
    return decoded;
  }

  at::Tensor features_of(const Decoded& decoded) {
    if (decoded.input.empty()) return {};
    const c10::InferenceMode inference;
    const at::Tensor input = at::from_blob(const_cast<float*>(decoded.input.data()),
                                           {1, 3, decoded.image.height, decoded.image.width}, at::kFloat);
    return source_.network->features(upload(input, source_.device), Pass{}).squeeze(0).contiguous();
  }

  // The labels of one image, on a worker's thread.
  void label(int worker, Job& job) {
    const c10::InferenceMode inference;
    const ImageEntry& image = entry(job.index);
    const auto labels = 1 + static_cast<int64_t>(classes_of(image.boxes).size());
    const MemoryBudget::Share share(budget_, crf_memory_bytes(labels, image.size.height, image.size.width));
    try {
      finish_image(worker, job, image);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::bad_input) throw;
      if (!plan_.skips_bad_images) fail_input("image '{}': {}", image.id, e.what());
      skip(job.index, e.what());
    }
  }

  void finish_image(int worker, Job& job, const ImageEntry& image) {
    const Geometry geometry = make_geometry(image.boxes, image.size, plan_.convention);
    FeatureMaps maps;
    if (job.features.defined()) {
      maps = measure_features(job.features, geometry, source_.weights, plan_.grid, threads_each_);
      require_finite(maps, image);
    } else if (source_.attention && !image.boxes.empty())
      maps = source_.attention->read(image);
    const bool has_maps = job.features.defined();
    const std::string maps_bytes = has_maps ? to_bytes(maps) : "";
    PseudoLabels labels = make_pseudo_labels(plan_.unary, geometry, job.image, maps, job.features, source_.weights,
                                             crfs_[static_cast<size_t>(worker)], threads_each_);
    if (source_.network && image.boxes.empty()) labels.y_ret = labels.y_crf;

    FinishedImage done;
    write_label_png(output_ / y_crf_file(image.id), labels.y_crf, palette_);
    done.y_crf = digest_of_labels(labels.y_crf);
    if (!labels.y_ret.pixels.empty()) {
      write_label_png(output_ / y_ret_file(image.id), labels.y_ret, palette_);
      done.y_ret = digest_of_labels(labels.y_ret);
    }
    done.has_maps = has_maps;
    done.boxes_without_labels = describe_boxes(boxes_without_labels(labels.y_crf, geometry), image);
    finished_.add(image.id, std::move(done), maps_bytes);
    progress_.advance();
  }

  std::string describe_boxes(const std::vector<size_t>& boxes, const ImageEntry& image) const {
    std::vector<std::string> lines;
    for (const size_t i : boxes) {
      const Box& box = image.boxes[i];
      lines.push_back(fmt::format("{} at {},{} to {},{}", dataset_.class_names[static_cast<size_t>(box.class_id)],
                                  box.x0, box.y0, box.x1, box.y1));
    }
    return join(lines, "\n");
  }

  void skip(int64_t index, const std::string& reason) {
    log_warning("skipped: {}", reason);
    FinishedImage skipped;
    skipped.reason_skipped = reason;
    finished_.add(entry(index).id, std::move(skipped), "");
    progress_.advance();
  }

  const LabelPlan& plan_;
  LabelSource& source_;
  const Dataset& dataset_;
  const fs::path& output_;
  FinishedImages& finished_;
  Progress& progress_;
  const Palette palette_;
  MemoryBudget budget_;
  int workers_ = 1, threads_each_ = 1;
  std::vector<DenseCrf> crfs_;
};

}  // namespace

LabelPlan make_label_plan(const Stage2Options& options, const LabelSource& source, int threads) {
  LabelPlan plan;
  plan.unary.background = parse_background(options.background);
  plan.unary.threshold = options.threshold;
  plan.unary.fills_unknown_boxes = options.unknown_foreground == "box" && !source.knows_all_classes;
  plan.crf.bilateral_weight = options.bilateral[0];
  plan.crf.bilateral_xy = options.bilateral[1];
  plan.crf.bilateral_rgb = options.bilateral[2];
  plan.crf.gaussian_weight = options.gaussian[0];
  plan.crf.gaussian_xy = options.gaussian[1];
  plan.crf.iterations = options.crf_iterations;
  plan.crf.check();
  plan.convention = parse_box_convention(options.box_convention);
  plan.grid = options.grid;
  plan.skips_bad_images = options.on_bad_image == "skip";
  plan.threads = threads;
  return plan;
}

void label_images(const LabelPlan& plan, LabelSource& source, const Dataset& dataset,
                  const std::vector<int64_t>& images, const fs::path& output, const std::string& what,
                  FinishedImages& finished) {
  std::vector<int64_t> todo;
  for (const int64_t i : images)
    if (!finished.holds(dataset.images[static_cast<size_t>(i)].id)) todo.push_back(i);
  const auto total = static_cast<int64_t>(images.size()), done = total - static_cast<int64_t>(todo.size());
  if (done > 0) log_info("{} of {} images were finished before; going on", done, total);
  Progress progress(what, total, done);
  Labelling(plan, source, dataset, output, finished, progress).run(todo);
}

}  // namespace boxseg
