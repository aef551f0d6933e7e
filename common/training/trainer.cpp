#include "common/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "common/base/error.h"
#include "common/base/interrupt.h"
#include "common/base/log.h"
#include "common/base/markdown.h"
#include "common/base/text.h"
#include "common/io/tensorboard/event_file.h"
#include "common/training/training_log.h"

namespace boxseg {
namespace {

using Clock = std::chrono::steady_clock;
const std::string kMomentumPrefix = "momentum/";

struct Resumed {
  int64_t iteration = 0;  // the last finished step
  std::string open_sums;
};

void write_training_checkpoint(const fs::path& path, const Network& network, const NamedTensors& buffers,
                               const Sgd& sgd, const std::string& run_key, const Resumed& state) {
  Checkpoint checkpoint = make_checkpoint(
      network, {{"run_key", run_key}, {"iteration", std::to_string(state.iteration)}, {"open_sums", state.open_sums}});
  for (auto& [name, value] : checkpoint.tensors)
    for (const auto& [buffer_name, buffer] : buffers)
      if (name == buffer_name) value = buffer;
  for (const auto& [name, value] : sgd.momentum()) checkpoint.tensors.emplace_back(kMomentumPrefix + name, value);
  write_checkpoint(path, checkpoint);
}

// Brings network and optimiser to where the checkpoint was written; returns nullopt when there is none of this run.
std::optional<Resumed> resume(const fs::path& path, const std::string& run_key, Network& network, Sgd& sgd) {
  if (!fs::exists(path)) return std::nullopt;
  Checkpoint checkpoint;
  try {
    checkpoint = read_checkpoint(path);
  } catch (const Error& e) {
    log_warning("{}; training starts anew", e.what());
    return std::nullopt;
  }
  if (checkpoint.record["run_key"] != run_key) {
    log_info("{}: of a run with other inputs or options; training starts anew", path.string());
    return std::nullopt;
  }
  NamedTensors weights, momentum;
  for (auto& [name, value] : checkpoint.tensors) {
    if (name.rfind(kMomentumPrefix, 0) == 0)
      momentum.emplace_back(name.substr(kMomentumPrefix.size()), value);
    else
      weights.emplace_back(name, value);
  }
  network.load_state_dict(weights, path.string());
  sgd.set_momentum(momentum);
  return Resumed{parse_integer(checkpoint.record["iteration"], "iteration"), checkpoint.record["open_sums"]};
}

int64_t checkpoint_every_steps() {
  const char* text = std::getenv("BOXSEG_CHECKPOINT_EVERY_STEPS");
  return text == nullptr || *text == '\0' ? 0 : parse_integer(text, "BOXSEG_CHECKPOINT_EVERY_STEPS");
}

// True for the first step and up to nine more, evenly spaced, since TensorBoard keeps ten pictures of a run.
bool is_picture_step(int64_t it, int64_t iterations) {
  return it == 1 || it % std::max<int64_t>(1, (iterations + 8) / 9) == 0;
}

NamedTensors copies(const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, value] : tensors) result.emplace_back(name, value.clone());
  return result;
}

}  // namespace

int64_t check_training_checkpoint(const fs::path& path) {
  Checkpoint checkpoint = read_checkpoint(path);
  if (checkpoint.record["run_key"].empty())
    fail_input("{}: is no checkpoint of a training of ours; remove it", path.string());
  return parse_integer(checkpoint.record["iteration"], path.string() + ": iteration");
}

void train(Network& network, const TrainingOptions& options, const fs::path& dir, const std::string& run_key,
           const std::function<StepReport(int64_t it)>& compute, const std::function<void(int64_t first)>& start_at) {
  const int64_t iterations = options.schedule.iterations, every_steps = checkpoint_every_steps();
  if (iterations == 0) return;
  const fs::path checkpoint_path = dir / kTrainingCheckpoint;
  Sgd sgd(network.parameters(), options.sgd);
  Resumed state;
  if (const auto found = resume(checkpoint_path, run_key, network, sgd)) {
    state = *found;
    log_info("{}: goes on after step {} of {}", options.what, state.iteration, iterations);
  }
  TrainingLog log(dir / "log.jsonl", options.log_every, state.iteration, state.open_sums);
  EventFile events(dir, state.iteration);
  if (!events.is_continued() && !options.shown_options.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [name, value] : options.shown_options) rows.push_back({name, value});
    events.add_text(state.iteration, "options", markdown_table({"option", "value"}, rows));
  }
  start_at(state.iteration + 1);
  // Batch norm statistics move in the forward pass, but a step that is dropped must leave them as they were.
  NamedTensors buffers = copies(network.buffers());
  int64_t saved = state.iteration;
  auto saved_at = Clock::now();
  const auto save = [&] {
    if (saved == state.iteration) return;
    log.sync();
    events.sync();
    state.open_sums = log.open_sums();
    write_training_checkpoint(checkpoint_path, network, buffers, sgd, run_key, state);
    saved = state.iteration;
    saved_at = Clock::now();
  };
  Progress progress(options.what, iterations, state.iteration);
  for (int64_t it = state.iteration + 1; it <= iterations; ++it) {
    StepReport report;
    try {
      throw_if_interrupted();
      report = compute(it);
      throw_if_interrupted();
    } catch (...) {
      // Whatever a signal broke off, the parameters are still those of the last finished step.
      if (!is_interrupted()) throw;
      save();
      throw_if_interrupted();
    }
    const double factor = options.schedule.factor(it);
    const double rate = sgd.rate(ParameterGroup::backbone_weight, factor);
    ensure(!report.empty(), "step {} reports no loss", it);
    if (!std::isfinite(report.front().second))
      fail("{}: the {} is {} in step {} (learning rate {}); try a lower --learning-rate", options.what,
           report.front().first, report.front().second, it, rate);
    sgd.step(factor);
    buffers = copies(network.buffers());
    state.iteration = it;
    if (const StepReport means = log.add(it, rate, report); !means.empty()) events.add_scalars(it, means);
    if (options.picture && is_picture_step(it, iterations)) events.add_image(it, "picture", options.picture(it));
    progress.advance(1, fmt::format("{} {:.4f}", report.front().first, report.front().second));
    const bool is_time = Clock::now() - saved_at >= std::chrono::seconds(options.checkpoint_every_s);
    if (is_time || it == iterations || (every_steps > 0 && it % every_steps == 0)) save();
  }
}

}  // namespace boxseg
