#include "stage2_pseudolabel/stage2_run.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/outputs.h"
#include "common/base/text.h"
#include "common/io/label_png.h"
#include "common/labels/maps_bytes.h"
#include "common/ops/tensor_runtime.h"
#include "common/pipeline/stage/artifact_check.h"
#include "common/pipeline/stage/dataset_files.h"
#include "common/pipeline/stage/label_classes.h"
#include "common/pipeline/stage/stage_inputs.h"
#include "common/pipeline/stage/stage_run.h"
#include "common/runtime/exit_deadline.h"
#include "common/runtime/parallel.h"
#include "stage2_pseudolabel/class_weights.h"
#include "stage2_pseudolabel/gone_labels.h"
#include "stage2_pseudolabel/instance_files.h"
#include "stage2_pseudolabel/label_run.h"
#include "stage2_pseudolabel/merge.h"

namespace boxseg {
namespace {

void refuse_what_does_not_fit(const Stage2Options& options) {
  options.check();
  if (!options.from_attention.empty() && !options.checkpoint.empty())
    fail_usage("--checkpoint and --from-attention: give one of the two (with the second no network is needed)");
  if (!options.from_attention.empty() && !options.class_map.empty())
    fail_usage(
        "--class-map {}: is of a --checkpoint, and the maps of --from-attention were made with theirs; leave one "
        "of the two out",
        options.class_map);
  if (!options.from_attention.empty() &&
      fs::weakly_canonical(options.from_attention) == fs::weakly_canonical(options.output))
    fail_usage("--from-attention {}: is the output folder as well; choose another --output", options.from_attention);
  if (!options.from_attention.empty() && (!options.given_masks.empty() || options.true_masks == "keep"))
    fail_usage(
        "--from-attention goes without --given-masks and --true-masks keep, since it makes no Y_ret beside them; give "
        "--checkpoint in its place");
}

// The file of boxes that was indexed may have the name of results.
void refuse_boxes_among_results(const Stage2Options& options, const Dataset& dataset) {
  if (options.instances.empty()) return;
  for (const fs::path& from : box_files(dataset))
    for (const InstanceMap map : {InstanceMap::y_crf, InstanceMap::y_ret})
      refuse_same_file(fs::path(options.output) / results_file(map), "--output", from, "the boxes");
}

LabelSource load_attention(const Stage2Options& options) {
  LabelSource source;
  source.attention = std::make_unique<AttentionReader>(options.from_attention);
  const AttentionSettings& made = source.attention->settings();
  if (made.grid != options.grid || made.box_convention != options.box_convention)
    fail_usage(
        "--from-attention {}: its maps were made with --grid {} --box-convention {}, which they depend on; give the "
        "same, or run the network again",
        options.from_attention, made.grid, made.box_convention);
  source.knows_all_classes = made.knows_all_classes;
  return source;
}

void load_classifier(LabelSource& source, const Stage2Options& options, const std::string& device,
                     const Dataset& dataset) {
  const auto [chosen, used] = choose_device(device, options.precision);
  source.device = chosen;
  source.precision = used;
  LoadedNetwork loaded = load_network(options.checkpoint, source.device);
  source.network = std::move(loaded.network);
  if (const auto kind = loaded.record.find("kind"); kind != loaded.record.end() && kind->second != "classifier")
    fail_input("{}: holds a {}, expected the classifier.pt of stage 1", options.checkpoint, kind->second);
  if (source.network->spec().head != "plain")
    fail_input("{}: a network with head {}, expected a classifier of stage 1 (head plain)", options.checkpoint,
               source.network->spec().head);
  source.weights = match_classes(source.network->classifier_weight(), loaded.record, dataset.class_names,
                                 options.checkpoint, options.class_map);
  if (!source.weights.other_names.empty())
    log_info("classes of the classifier by other names: {}", join(source.weights.other_names, ", "));
  const auto unknown = unknown_classes(source.weights, dataset.class_names);
  source.knows_all_classes = unknown.empty();
  if (!unknown.empty())
    log_warning("the classifier knows {} of {} classes; the others are scored with --unknown-foreground {}: {}",
                dataset.class_names.size() - unknown.size(), dataset.class_names.size(), options.unknown_foreground,
                join(unknown, ", "));
}

struct Counts {
  int64_t images = 0, skipped = 0, given_masks = 0, true_masks = 0;
  std::string skipped_ids;
  std::vector<std::string> boxes_without_labels;  // "ID: dog at 3,4 to 20,30"
};

// Writes the results of the images of a shard.
void collect_results(const Dataset& dataset, const std::string& split, const Shard& shard, bool has_y_ret,
                     const fs::path& output, const FinishedImages& finished, StageRun& run) {
  ShardResultsWriter y_crf(output, shard, InstanceMap::y_crf);
  std::optional<ShardResultsWriter> y_ret;
  if (has_y_ret) y_ret.emplace(output, shard, InstanceMap::y_ret);
  const auto images = images_of_shard(dataset, split, {});
  for (size_t place = 0; place < images.size(); ++place) {
    const std::string& id = dataset.images[static_cast<size_t>(images[place])].id;
    if (shard_of(id, shard.count) != shard.index) continue;
    const ImageResults results = finished.read_results(finished.at(id));
    y_crf.add(static_cast<int64_t>(place), results.y_crf);
    if (y_ret) y_ret->add(static_cast<int64_t>(place), results.y_ret);
  }
  run.add_output(shard_results_file(InstanceMap::y_crf, shard), y_crf.close_and_commit());
  if (y_ret) run.add_output(shard_results_file(InstanceMap::y_ret, shard), y_ret->close_and_commit());
}

// Writes the shard's file (where the run has a network) and names all outputs.
Counts collect_outputs(const LabelPlan& plan, const Dataset& dataset, const std::vector<int64_t>& images,
                       const Shard& shard, const AttentionSettings& settings, bool has_network, const fs::path& output,
                       const FinishedImages& finished, StageRun& run) {
  std::unique_ptr<AttentionWriter> attention;
  if (has_network) attention = std::make_unique<AttentionWriter>(output / shard_file(shard), shard, settings);
  Counts counts;
  for (const int64_t i : images) {
    const ImageEntry& entry = dataset.images[static_cast<size_t>(i)];
    const FinishedImage& image = finished.at(entry.id);
    if (!image.reason_skipped.empty()) {
      ++counts.skipped;
      counts.skipped_ids += (counts.skipped_ids.empty() ? "" : "\n") + entry.id;
      continue;
    }
    ++counts.images;
    if (keeps_true_mask(plan, entry))
      ++counts.true_masks;
    else if (plan.given.has(entry))
      ++counts.given_masks;
    for (const auto& box : read_lines(image.boxes_without_labels))
      counts.boxes_without_labels.push_back(entry.id + ": " + box);
    run.add_output(y_crf_file(entry.id), image.y_crf);
    if (!image.y_ret.empty()) run.add_output(y_ret_file(entry.id), image.y_ret);
    if (attention && image.has_maps) attention->add(entry, maps_from_bytes(finished.read_maps(image)));
  }
  if (attention) run.add_output(shard_file(shard), attention->close_and_commit());
  return counts;
}

// Warns of boxes without labels. Such a box is no fault, often a tiny one or one behind another; but who trains on the
// labels should know.
void warn_of_boxes_without_labels(const std::vector<std::string>& boxes, const fs::path& manifest) {
  constexpr size_t kShown = 10;
  if (boxes.empty()) return;
  const std::vector<std::string> shown(boxes.begin(), boxes.begin() + std::min(kShown, boxes.size()));
  log_warning("{} box{} no pixel of {} class in Y_crf: {}{}", boxes.size(), boxes.size() == 1 ? " has" : "es have",
              boxes.size() == 1 ? "its" : "their", join(shown, "; "),
              boxes.size() > kShown ? fmt::format("; and {} more, all as boxes_without_labels in {}",
                                                  boxes.size() - kShown, manifest.string())
                                    : "");
}

}  // namespace

void run_stage2(const Options& command_line, const Stage2Options& options) {
  refuse_what_does_not_fit(options);
  if (!options.checkpoint.empty())
    refuse_folder_of(options.output, "--output", fs::path(options.checkpoint).parent_path(), "--checkpoint");
  refuse_overlap(options.output, "--output", options.given_masks, "--given-masks");
  const Shard shard = parse_shard(options.shard);
  const int threads = resolve_threads(command_line.threads);
  const fs::path output = options.output;
  watch_interrupts();
  const ExitDeadline deadline;

  const Dataset dataset = read_dataset(options.dataset, options.data_root);
  if (!dataset.has_boxes(options.split))
    log_warning("no image of split '{}' has a box: all its labels will be background", options.split);
  const auto images = images_of_shard(dataset, options.split, shard);
  for (const char* kind : {"Y_crf", "Y_ret"})
    refuse_dataset_files(label_files(output / kind, dataset, options.split), "--output", dataset);
  refuse_boxes_among_results(options, dataset);
  GivenMasks given(options.given_masks, dataset);
  LabelSource source;
  Inputs inputs;
  if (!options.from_attention.empty()) {
    source = load_attention(options);
    inputs = {{"dataset", dataset.digest(options.split, false)}, {"attention", source.attention->digest()}};
    add_result_ids(options, dataset, inputs);
  } else {
    inputs = stage2_inputs(options, dataset, digest_of_checkpoint(read_checkpoint(options.checkpoint)));
  }

  if (options.shard.empty() && StageRun(command_line, output, inputs).is_up_to_date()) {
    log_info("{}: up to date", output.string());
    return;
  }
  StageRun run(command_line, output, inputs, shard_manifest(shard));
  if (run.is_up_to_date()) {
    const std::string missing = merge_shards(output);
    log_info("{}: up to date{}", (output / shard_manifest(shard)).string(), missing.empty() ? "" : "; " + missing);
    return;
  }
  require_writable_directory(output);
  start_tensor_runtime(threads);
  if (options.from_attention.empty()) load_classifier(source, options, command_line.device, dataset);
  LabelPlan plan = make_label_plan(options, source, dataset, threads);
  plan.given = std::move(given);
  if (plan.instances)
    for (const auto& remark : plan.instances->ids().remarks) log_info("--instances: {}", remark);

  const auto listed = listed_label_maps(output, shard);
  if (!run.begin()) {
    log_info("{}: up to date, another process has just made it", output.string());
    return;
  }
  forget_other_divisions(output, shard.count);
  forget_shard_results(output, shard);
  const bool makes_y_ret = source.network != nullptr;
  if (const int64_t gone = remove_gone_labels(output, listed, dataset, options.split, makes_y_ret); gone > 0)
    log_info("{}: removed {} label maps of an earlier run that are not made any more", output.string(), gone);
  FinishedImages finished(output, shard, run.run_key());
  const std::string what = shard.count == 1
                               ? fmt::format("labels of {}", options.split)
                               : fmt::format("labels of {} {}/{}", options.split, shard.index, shard.count);
  label_images(plan, source, dataset, images, output, what, finished);

  const AttentionSettings settings{options.box_convention, options.grid, source.knows_all_classes};
  const Counts counts =
      collect_outputs(plan, dataset, images, shard, settings, source.network != nullptr, output, finished, run);
  if (plan.instances) collect_results(dataset, options.split, shard, source.network != nullptr, output, finished, run);
  run.add_fact("images", std::to_string(counts.images));
  run.add_fact("images_skipped", std::to_string(counts.skipped));
  run.add_fact("skipped", counts.skipped_ids);
  if (!options.given_masks.empty()) run.add_fact(kGivenMasksFact, std::to_string(counts.given_masks));
  if (options.true_masks == "keep") run.add_fact(kTrueMasksFact, std::to_string(counts.true_masks));
  run.add_fact("boxes_without_labels", join(counts.boxes_without_labels, "\n"));
  run.add_fact(kClassesFact, classes_fact(dataset.class_names));
  if (source.network && !source.knows_all_classes)
    run.add_fact(kUnknownClassesFact, unknown_classes_fact(unknown_classes(source.weights, dataset.class_names)));
  run.add_fact("precision", name_of(source.precision));
  run.finish(source.device.str(), threads);
  finished.remove();
  const std::string missing = merge_shards(output);
  warn_of_boxes_without_labels(counts.boxes_without_labels, output / shard_manifest(shard));
  log_info("{}: labels of {} images{}{}{}{}", output.string(), counts.images,
           counts.given_masks > 0 ? fmt::format(", {} of a given mask", counts.given_masks) : "",
           counts.true_masks > 0 ? fmt::format(", {} keep their true mask", counts.true_masks) : "",
           counts.skipped > 0 ? fmt::format(", {} skipped", counts.skipped) : "",
           missing.empty() ? "" : "; " + missing);
}

void check_stage2_artifact(const fs::path& path) {
  const auto is_whole_shard = [](const fs::path& file, const Digest&) { return check_attention_file(file) >= 0; };
  if (answered_check(path, {{".h5", is_whole_shard}})) return;
  if (path.extension() == ".json") {
    std::printf("%s: whole, %lld results\n", path.c_str(), static_cast<long long>(check_results(path, 1)));
    return;
  }
  std::printf("%s: whole, maps of %lld images\n", path.c_str(), static_cast<long long>(check_attention_file(path)));
}

}  // namespace boxseg
