// Runs the training loop that both training stages share: SGD with the authors' groups, a schedule, checkpoint and
// resume.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/files.h"
#include "common/io/image.h"
#include "common/networks/network.h"

namespace boxseg {

struct SgdOptions {
  double learning_rate = 1e-3, momentum = 0.9, weight_decay = 5e-4;
  // Each ParameterGroup has a factor on the learning rate and may decay: the authors have 1, 2 (no decay), 10 and 20
  // (no decay).
  double bias_rate = 2;  // factor of biases against weights; the report's code has 1
};

// Gives the learning-rate factor of step `it` (1-based) of `iterations`.
//   step: 0.1 after each milestone (a milestone m affects steps > m: optimizer.step() comes before scheduler.step())
//   poly: (1 - (it-1)/iterations)^0.9; with `every` > 1 only at steps 1, 1 + every, ... and held between (the report's
//   code, after kazuto1011's, has 10)
struct Schedule {
  std::string kind = "step";  // step, poly
  std::vector<int64_t> milestones;
  int64_t iterations = 8000;
  int64_t every = 1;
  double factor(int64_t it) const;  // throws usage for another kind
};

// Does torch.optim.SGD's arithmetic (the momentum buffer starts as the first gradient; decay is added to the gradient).
// A parameter without a gradient (frozen) is left alone, as there.
class Sgd {
 public:
  Sgd(std::vector<Parameter>& parameters, SgdOptions options);
  void step(double schedule_factor);  // reads .grad of each parameter, then clears it
  void clear_gradients();
  double rate(ParameterGroup group, double schedule_factor) const;
  NamedTensors momentum() const;                   // buffers that have begun, by parameter name, for checkpoints
  void set_momentum(const NamedTensors& buffers);  // throws bad_input for names or shapes that are not ours

 private:
  std::vector<Parameter>& parameters_;
  SgdOptions options_;
  std::vector<at::Tensor> buffers_;
};

struct TrainingOptions {
  SgdOptions sgd;
  Schedule schedule;
  // `checkpoint_every_s` is the wall time between checkpoints. The environment variable BOXSEG_CHECKPOINT_EVERY_STEPS
  // adds one after every that many steps (for tests).
  int64_t checkpoint_every_s = 60;
  int64_t log_every = 10;      // steps
  std::string what = "train";  // what the progress bar calls it
  // These two are for TensorBoard: the options that led to this run, and a picture for people of what step `it` learnt
  // from. The picture is asked for in about ten steps of a run, the first among them; without it none are shown.
  std::vector<std::pair<std::string, std::string>> shown_options;
  std::function<RgbImage(int64_t it)> picture;
};

// Holds what one step reports: name -> value; the first is the loss that was differentiated.
using StepReport = std::vector<std::pair<std::string, double>>;

// Runs steps first..iterations: compute(it) builds the loss, calls backward() and returns the report; the parameters
// are then updated. Resumes from DIR/checkpoint.pt when its `run_key` (digest of inputs, options, fingerprint) equals
// ours, otherwise starts anew. Writes DIR/log.jsonl: a line every log_every steps with the means since the last one,
// {"step":10,"learning_rate":0.001,"loss":1.25}; nothing in it depends on time. A resumed run rewrites it from the
// checkpoint on, so no step stands twice. TensorBoard finds the same numbers in DIR's event files
// (common/io/tensorboard/event_file.h). On SIGTERM and its like (interrupt.h) the step under way is dropped, the last
// finished one is written and `interrupted` is thrown; the bytes of a resumed run are those of an undisturbed one
// (those of event files excepted). At iteration 0 of 0 nothing is trained. The caller writes the final weights.
// Non-finite losses throw `failed` with the step and the learning rate as a hint. The caller installs the signal
// handlers (watch_interrupts()).
void train(Network& network, const TrainingOptions& options, const fs::path& dir, const std::string& run_key,
           const std::function<StepReport(int64_t it)>& compute,
           const std::function<void(int64_t first)>& start_at);  // start_at: where the data order must begin

inline constexpr const char* kTrainingCheckpoint = "checkpoint.pt";
// Reads all of such a checkpoint again and returns its step; throws bad_input when it is damaged, or something else.
int64_t check_training_checkpoint(const fs::path& path);

}  // namespace boxseg
