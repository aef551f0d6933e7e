#include "stage2_pseudolabel/label_run.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/label_png.h"
#include "common/labels/maps_bytes.h"
#include "common/ops/transfer.h"
#include "common/pipeline/stage/image_run.h"
#include "stage2_pseudolabel/labels.h"
#include "stage2_pseudolabel/measure_features.h"
#include "stage2_pseudolabel/pseudo_label.h"

namespace boxseg {
namespace {

// Holds a decoded image on its way to the network.
struct Decoded {
  RgbImage image;
  ImageSize size() const { return {image.height, image.width}; }
  std::vector<float> input;  // [3,H,W] normalised; empty where no network is asked
};

// Holds an image with its features on its way to the labels.
struct Job {
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

class Labelling : public ImageRun<Decoded, Job> {
 public:
  Labelling(const LabelPlan& plan, LabelSource& source, const Dataset& dataset, const fs::path& output,
            FinishedImages& finished)
      : ImageRun({.threads = plan.threads, .skips_bad_images = plan.skips_bad_images}),
        plan_(plan),
        source_(source),
        dataset_(dataset),
        output_(output),
        finished_(finished),
        palette_(dataset.palette.empty() ? voc_palette() : dataset.palette) {
    for (int i = 0; i < workers(); ++i) crfs_.emplace_back(plan.crf, threads_each());
  }

 private:
  const ImageEntry& entry(int64_t index) const { return dataset_.images[static_cast<size_t>(index)]; }
  std::string name_of(int64_t index) const override { return fmt::format("image '{}'", entry(index).id); }

  Decoded decode(int64_t index) const override {
    Decoded decoded;
    decoded.image = read_verified(dataset_, entry(index));
    if (source_.network && !entry(index).boxes.empty()) {
      const std::vector<float> values(decoded.image.pixels.begin(), decoded.image.pixels.end());
      decoded.input = normalise(values, decoded.image.height, decoded.image.width, source_.network->normalisation());
    }
    return decoded;
  }

  std::vector<Job> infer(std::vector<Decoded>& batch) override {
    std::vector<Job> jobs;
    for (Decoded& decoded : batch) {
      const at::Tensor features = features_of(decoded);
      jobs.push_back({std::move(decoded.image), features});
    }
    return jobs;
  }

  at::Tensor features_of(Decoded& decoded) {
    if (decoded.input.empty()) return {};
    const c10::InferenceMode inference;
    const at::Tensor input =
        at::from_blob(decoded.input.data(), {1, 3, decoded.image.height, decoded.image.width}, at::kFloat);
    return source_.network->features(upload(input, source_.device), Pass{}).squeeze(0).contiguous();
  }

  void finish(int worker, int64_t index, Job& job) override {
    const c10::InferenceMode inference;
    const ImageEntry& image = entry(index);
    const auto labels_of_image = 1 + static_cast<int64_t>(classes_of(image.boxes).size());
    const MemoryBudget::Share share(budget(), crf_memory_bytes(labels_of_image, image.size.height, image.size.width));
    const Geometry geometry = make_geometry(image.boxes, image.size, plan_.convention);
    FeatureMaps maps;
    if (job.features.defined()) {
      maps = measure_features(job.features, geometry, source_.weights, plan_.grid, threads_each());
      for (const auto* values : {&maps.gram, &maps.class_maps})
        require_finite(*values, name_of(index) + ": the network's features");
    } else if (source_.attention && !image.boxes.empty())
      maps = source_.attention->read(image);
    const bool has_maps = job.features.defined();
    const std::string maps_bytes = has_maps ? to_bytes(maps) : "";
    Confidences confidences;
    const PseudoLabels labels = labels_of(worker, image, geometry, job, maps, plan_.instances ? &confidences : nullptr);

    FinishedImage done;
    write_label_png(output_ / y_crf_file(image.id), labels.y_crf, palette_);
    done.y_crf = digest_of_labels(labels.y_crf);
    if (!labels.y_ret.pixels.empty()) {
      write_label_png(output_ / y_ret_file(image.id), labels.y_ret, palette_);
      done.y_ret = digest_of_labels(labels.y_ret);
    }
    done.has_maps = has_maps;
    done.boxes_without_labels = describe_boxes(boxes_without_labels(labels.y_crf, geometry), image);
    done.has_results = plan_.instances != nullptr;
    finished_.add(image.id, std::move(done), maps_bytes, results_of(index, geometry, labels, confidences));
  }

  ImageResults results_of(int64_t index, const Geometry& geometry, const PseudoLabels& labels,
                          const Confidences& confidences) const {
    ImageResults results;
    if (!plan_.instances) return results;
    results.y_crf = plan_.instances->results(index, geometry, labels.y_crf, confidences.y_crf);
    if (!labels.y_ret.pixels.empty())
      results.y_ret = plan_.instances->results(index, geometry, labels.y_ret, confidences.y_ret);
    return results;
  }

  PseudoLabels labels_of(int worker, const ImageEntry& image, const Geometry& geometry, const Job& job,
                         const FeatureMaps& maps, Confidences* confidences) {
    if (keeps_true_mask(plan_, image)) {
      const LabelMap truth = read_true_mask(dataset_, image);
      return {truth, truth};
    }
    std::optional<LabelMap> given;
    if (plan_.given.has(image)) given = plan_.given.read(image);
    PseudoLabels labels = make_pseudo_labels(plan_.unary, geometry, job.image, maps, job.features, source_.weights,
                                             crfs_[static_cast<size_t>(worker)], threads_each(), nullptr, confidences,
                                             given ? &*given : nullptr);
    if (source_.network && image.boxes.empty()) labels.y_ret = labels.y_crf;
    return labels;
  }

  std::string describe_boxes(const std::vector<size_t>& boxes, const ImageEntry& image) const {
    std::vector<std::string> lines;
    for (const size_t i : boxes) {
      const Box box = in_photograph(image.boxes[i], image);
      lines.push_back(fmt::format("{} at {},{} to {},{}", dataset_.class_names[static_cast<size_t>(box.class_id)],
                                  box.x0, box.y0, box.x1, box.y1));
    }
    return join(lines, "\n");
  }

  void record_skipped(int64_t index, const std::string& reason) override {
    FinishedImage skipped;
    skipped.reason_skipped = reason;
    finished_.add(entry(index).id, std::move(skipped), "");
  }

  const LabelPlan& plan_;
  LabelSource& source_;
  const Dataset& dataset_;
  const fs::path& output_;
  FinishedImages& finished_;
  const Palette palette_;
  std::vector<DenseCrf> crfs_;
};

}  // namespace

LabelPlan make_label_plan(const Stage2Options& options, const LabelSource& source, const Dataset& dataset,
                          int threads) {
  LabelPlan plan;
  plan.unary.background = parse_background(options.background);
  plan.unary.threshold = options.threshold;
  plan.unary.fills_unknown_boxes = options.unknown_foreground == "box" && !source.knows_all_classes;
  plan.crf = options.crf.chosen();
  plan.convention = convention_for(dataset, options.box_convention);
  plan.grid = options.grid;
  plan.keeps_true_masks = options.true_masks == "keep";
  plan.skips_bad_images = options.on_bad_image == "skip";
  plan.threads = threads;
  if (!options.instances.empty()) plan.instances = std::make_shared<InstanceMaker>(options.instances, dataset);
  return plan;
}

bool keeps_true_mask(const LabelPlan& plan, const ImageEntry& image) {
  return plan.keeps_true_masks && !image.mask_path.empty();
}

void label_images(const LabelPlan& plan, LabelSource& source, const Dataset& dataset,
                  const std::vector<int64_t>& images, const fs::path& output, const std::string& what,
                  FinishedImages& finished) {
  std::vector<int64_t> todo;
  for (const int64_t i : images)
    if (!finished.holds(dataset.images[static_cast<size_t>(i)].id)) todo.push_back(i);
  // Images of one size follow one another: what the CRF makes of a size alone, its Gaussian lattice, serves all of
  // them. The largest come first, so that memory need not grow from size to size.
  const auto order_of = [&](int64_t i) {
    const ImageSize size = dataset.images[static_cast<size_t>(i)].size;
    return std::tuple(-size.height * size.width, size.height);
  };
  std::stable_sort(todo.begin(), todo.end(), [&](int64_t a, int64_t b) { return order_of(a) < order_of(b); });
  const auto total = static_cast<int64_t>(images.size()), done = total - static_cast<int64_t>(todo.size());
  if (done > 0) log_info("{} of {} images were finished before; going on", done, total);
  Progress progress(what, total, done);
  Labelling(plan, source, dataset, output, finished).run(todo, progress);
  finished.sync();
  throw_if_interrupted();
}

}  // namespace boxseg
