#include "stage3_segment/predict.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <opencv2/core/utility.hpp>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/data/photo_folder.h"
#include "common/io/highest_label.h"
#include "common/io/journal.h"
#include "common/io/resized.h"
#include "common/ops/tensor_runtime.h"
#include "common/ops/transfer.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/image_run.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "common/pipeline/stage/stage_run.h"
#include "common/runtime/exit_deadline.h"
#include "common/runtime/parallel.h"
#include "stage3_segment/predict_images.h"
#include "stage3_segment/segmenter.h"

namespace boxseg {
namespace {

// Beginnings of a journal's payload, before a digest or a reason.
const std::string kDone = "done ", kSkipped = "skipped ";

// Holds what is the same for all images.
struct PredictPlan {
  std::vector<double> scales;
  bool flips = false, uses_crf = false, is_crf_reference = false, skips_bad_images = false;
  int64_t longest_side = 0;  // 0: images are taken as they are
  CrfOptions crf;
  double temperature = 20;
  bool align_corners = true;
  Palette palette;
  int threads = 1;
};

PredictPlan make_plan(const Options& command_line, const PredictOptions& options, const SegmenterRecord& record,
                      int threads) {
  PredictPlan plan;
  plan.scales = options.scales;
  plan.flips = options.flip || options.tta;
  if (options.tta && command_line.is_default("scales")) plan.scales = {0.5, 0.75, 1, 1.5};
  plan.uses_crf = options.crf;
  plan.is_crf_reference = options.crf_image == "reference";
  plan.skips_bad_images = options.on_bad_image == "skip";
  plan.longest_side = options.longest_side;
  // The checkpoint knows what suits its backbone, if it has a record.
  plan.crf = record.crf ? options.crf_flags.chosen_over(*record.crf, command_line) : options.crf_flags.chosen();
  plan.temperature = record.temperature;
  plan.align_corners = record.align_corners;
  plan.palette = record.palette;
  plan.threads = threads;
  return plan;
}

struct Decoded {
  RgbImage image;
  ImageSize labelled;  // size of the labels: the photograph's, of which `image` may be a smaller copy
  ImageSize size() const { return {image.height, image.width}; }
  std::vector<float> input;  // [3,H,W] normalised
};

struct Job {
  RgbImage image;
  ImageSize labelled;
  ScoreMaps scores;
};

class Prediction : public ImageRun<Decoded, Job> {
 public:
  Prediction(const PredictPlan& plan, Network& network, const std::vector<PredictImage>& images, const fs::path& output,
             Journal& journal)
      : ImageRun({.threads = plan.threads,
                  .most_workers = 16,
                  .bytes_in_progress = 2ll << 30,
                  .skips_bad_images = plan.skips_bad_images}),
        plan_(plan),
        network_(network),
        images_(images),
        output_(output),
        journal_(journal) {
    for (const auto& record : journal.found()) {
      const bool is_done = record.payload.rfind(kDone, 0) == 0;
      if (!is_done || fs::exists(output / (record.key + ".png"))) finished_[record.key] = record.payload;
    }
    if (plan.uses_crf)
      for (int i = 0; i < workers(); ++i) crfs_.emplace_back(plan.crf, threads_each());
  }

  void run(const std::string& what) {
    std::vector<int64_t> todo;
    for (size_t i = 0; i < images_.size(); ++i)
      if (finished_.count(key_of(i)) == 0) todo.push_back(static_cast<int64_t>(i));
    const auto total = static_cast<int64_t>(images_.size()), done = total - static_cast<int64_t>(todo.size());
    if (done > 0) log_info("{} of {} images were finished before; going on", done, total);
    Progress progress(what, total, done);
    ImageRun::run(todo, progress);
    journal_.sync();
    throw_if_interrupted();
  }

  const std::map<std::string, std::string>& finished() const { return finished_; }

  // Describes what was done: "38 images", "38 images; 2 skipped".
  std::string describe() const {
    const auto skipped = std::count_if(finished_.begin(), finished_.end(),
                                       [](const auto& entry) { return entry.second.starts_with(kSkipped); });
    return fmt::format("{} images{}", finished_.size() - static_cast<size_t>(skipped),
                       skipped == 0 ? "" : fmt::format("; {} skipped", skipped));
  }

 private:
  const PredictImage& image_of(int64_t index) const { return images_[static_cast<size_t>(index)]; }
  std::string name_of(int64_t index) const override { return image_of(index).path.string(); }
  // Returns the output without its suffix, which tells an image.
  std::string key_of(size_t index) const {
    const std::string& output = images_[index].output;
    return output.substr(0, output.size() - 4);
  }

  Decoded decode(int64_t index) const override {
    Decoded decoded;
    const PredictImage& image = image_of(index);
    std::string remark;
    decoded.image = decode_rgb(image.path, read_file(image.path), &remark);
    if (!remark.empty()) log_warning("{}: {}", image.path.string(), remark);
    ImageSize size = decoded.size();
    decoded.labelled = size;
    if (image.size.height > 0 && image.size != size)
      fail_input("{}: is {}x{} pixels, the dataset says {}x{}; run prepare again", image.path.string(), size.width,
                 size.height, image.size.width, image.size.height);
    if (plan_.longest_side > 0) size = fitted(size, plan_.longest_side);
    if (size != decoded.labelled) decoded.image = resized(decoded.image, size);
    const std::vector<float> values(decoded.image.pixels.begin(), decoded.image.pixels.end());
    decoded.input = normalise(values, size.height, size.width, network_.normalisation());
    return decoded;
  }

  std::vector<Job> infer(std::vector<Decoded>& batch) override {
    const c10::InferenceMode inference;
    std::vector<Job> jobs;
    for (Decoded& decoded : batch) {
      const at::Tensor input =
          at::from_blob(decoded.input.data(), {1, 3, decoded.image.height, decoded.image.width}, at::kFloat);
      ScoreMaps scores =
          score_maps(network_, upload(input, network_.device()), plan_.scales, plan_.flips, plan_.align_corners);
      jobs.push_back({std::move(decoded.image), decoded.labelled, std::move(scores)});
    }
    return jobs;
  }

  void finish(int worker, int64_t index, Job& job) override {
    for (const ScoreMap& map : job.scores.maps) require_finite(map.values, name_of(index) + ": the network's scores");
    const ImageSize size{job.image.height, job.image.width};
    LabelMap labels;
    if (plan_.uses_crf) {
      const MemoryBudget::Share share(budget(), crf_memory_bytes(job.scores.classes, size.height, size.width));
      labels = refine(crfs_[static_cast<size_t>(worker)], job.scores, crf_colours(job.image, plan_.is_crf_reference),
                      size, plan_.temperature, threads_each());
    } else {
      labels = most_likely(job.scores, size, threads_each());
    }
    if (job.labelled != size) labels = resized(labels, job.labelled);
    write_label_png(output_ / image_of(index).output, labels, plan_.palette);
    record(index, kDone + digest_of_labels(labels));
  }

  void record_skipped(int64_t index, const std::string& reason) override { record(index, kSkipped + reason); }

  void record(int64_t index, const std::string& payload) {
    const std::string key = key_of(static_cast<size_t>(index));
    journal_.append({key, payload});
    const std::lock_guard lock(mutex_);
    finished_[key] = payload;
  }

  const PredictPlan& plan_;
  Network& network_;
  const std::vector<PredictImage>& images_;
  const fs::path& output_;
  Journal& journal_;
  std::vector<DenseCrf> crfs_;
  std::mutex mutex_;
  std::map<std::string, std::string> finished_;
};

// Names the outputs and what was skipped.
void describe_outputs(const std::vector<PredictImage>& images, const std::map<std::string, std::string>& finished,
                      StageRun& run) {
  std::vector<std::string> skipped;
  for (const auto& image : images) {
    const std::string& payload = finished.at(image.output.substr(0, image.output.size() - 4));
    if (payload.rfind(kSkipped, 0) == 0)
      skipped.push_back(payload.substr(kSkipped.size()));
    else
      run.add_output(image.output, payload.substr(kDone.size()));
  }
  run.add_fact("images", std::to_string(images.size() - skipped.size()));
  run.add_fact("images_skipped", std::to_string(skipped.size()));
  run.add_fact("skipped", join(skipped, "\n"));
}

struct Source {
  std::vector<PredictImage> images;
  Inputs inputs;
  std::string what;
};

// Refuses to write over photographs or masks of somebody's: with neither a manifest nor a journal, nothing says that
// predict made them.
void refuse_foreign_files(const fs::path& output, const std::vector<fs::path>& targets) {
  std::error_code ignored;
  if (holds_results(output)) return;
  for (const auto& target : targets)
    if (fs::exists(target, ignored))
      fail_usage(
          "--output {}: {} is there already, and no manifest.h5 says that predict made it; choose another folder",
          output.string(), target.filename().string());
}

Source find_images(const PredictOptions& options, const Segmenter& segmenter) {
  if (!options.images.empty()) {
    if (fs::weakly_canonical(options.images) == fs::weakly_canonical(options.output))
      fail_usage("--output {}: is the folder of the images as well; choose another", options.output);
    Source source{images_of_folder(options.images, options.output), {}, "segment " + options.images};
    std::vector<fs::path> images, outputs;
    for (const auto& image : source.images) {
      images.push_back(image.path);
      outputs.push_back(options.output / fs::path(image.output));
    }
    refuse_inputs_among(outputs, "--output", images);
    refuse_foreign_files(options.output, outputs);
    source.inputs = {{"images", digest_of_images(source.images)}, {"checkpoint", segmenter.digest}};
    return source;
  }
  const Dataset dataset = read_dataset(options.dataset, options.data_root);
  const auto& names = segmenter.record.class_names;
  if (!names.empty() && names != dataset.class_names)
    log_warning("{} was trained on other classes than the dataset has; its labels keep its own: {}", options.checkpoint,
                join(names, ", "));
  refuse_dataset_files(label_files(options.output, dataset, options.split), "--output", dataset);
  return {images_of_split(dataset, options.split), predict_inputs(options, dataset, segmenter.digest),
          "segment " + options.split};
}

}  // namespace

std::vector<uint8_t> crf_colours(const RgbImage& image, bool is_reference) {
  if (!is_reference) return image.pixels;
  const Normalisation caffe = parse_normalisation("caffe_bgr");
  std::vector<uint8_t> colours(image.pixels.size());
  for (size_t i = 0; i < colours.size(); i += 3)
    for (size_t c = 0; c < 3; ++c)
      colours[i + c] =
          static_cast<uint8_t>(static_cast<int32_t>(static_cast<float>(image.pixels[i + 2 - c]) - caffe.mean[c]));
  return colours;
}

LabelMap refine(DenseCrf& crf, const ScoreMaps& scores, const std::vector<uint8_t>& colours, ImageSize size,
                double temperature, int threads) {
  const std::vector<float> p = class_probabilities(scores, size, temperature, threads);
  const std::span<const float> q = crf.infer_view(colours, p, scores.classes, size.height, size.width);
  return highest_label(q, scores.classes, size);
}

void run_prediction(const Options& command_line, const PredictOptions& options) {
  options.check();
  const int threads = resolve_threads(command_line.threads);
  const auto [device, precision_used] = choose_device(command_line.device, options.precision);
  const fs::path output = options.output;
  watch_interrupts();
  cv::setNumThreads(1);  // images are the unit of parallel work
  const ExitDeadline deadline;

  refuse_folder_of(output, "--output", fs::path(options.checkpoint).parent_path(), "--checkpoint");
  start_tensor_runtime(threads);
  const Segmenter segmenter = load_segmenter(options.checkpoint, device);
  const Source source = find_images(options, segmenter);
  StageRun run(command_line, output, source.inputs);
  if (run.is_up_to_date()) {
    log_info("{}: up to date", output.string());
    return;
  }
  const PredictPlan plan = make_plan(command_line, options, segmenter.record, threads);
  require_writable_directory(output);
  if (!run.begin()) {
    log_info("{}: up to date, another process has just made it", output.string());
    return;
  }
  Journal journal(output / "manifest.h5.journal", run.run_key());
  Prediction prediction(plan, *segmenter.network, source.images, output, journal);
  prediction.run(source.what);
  describe_outputs(source.images, prediction.finished(), run);
  run.add_fact(kClassesFact, classes_fact(segmenter.record.class_names));
  run.add_fact("precision", name_of(precision_used));
  run.finish(device.str(), threads);
  journal.remove();
  log_info("{}: labels of {}", output.string(), prediction.describe());
}

}  // namespace boxseg
