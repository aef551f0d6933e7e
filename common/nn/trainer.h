// The training loop both training stages share: SGD with the authors' groups, a schedule, checkpoint and resume.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/base/files.h"
#include "common/nn/network.h"

namespace boxseg {

struct SgdOptions {
  double learning_rate = 1e-3, momentum = 0.9, weight_decay = 5e-4;
  // Factors on the learning rate per ParameterGroup, and whether it decays: the authors' 1, 2 (no decay), 10, 20 (no decay).
};

// Learning-rate factor of step `it` (1-based) of `iterations`.
//   step: 0.1 after each milestone (a milestone m affects steps > m: optimizer.step() comes before scheduler.step())
//   poly: (1 - (it-1)/iterations)^0.9
struct Schedule {
  std::string kind = "step";  // step, poly
  std::vector<int64_t> milestones;
  int64_t iterations = 8000;
  double factor(int64_t it) const;
};

// torch.optim.SGD's arithmetic (momentum buffer starts as the first gradient; decay added to the gradient).
class Sgd {
 public:
  Sgd(std::vector<Parameter>& parameters, SgdOptions options);
  void step(double schedule_factor);  // reads .grad of each parameter, then clears it
  double rate(ParameterGroup group, double schedule_factor) const;
  NamedTensors momentum() const;      // by parameter name; for checkpoints
  void set_momentum(const NamedTensors& buffers);

 private:
  std::vector<Parameter>& parameters_;
  SgdOptions options_;
  std::vector<at::Tensor> buffers_;
};

struct TrainingOptions {
  SgdOptions sgd;
  Schedule schedule;
  int64_t checkpoint_every_s = 60;  // wall time between checkpoints
  int64_t log_every = 10;           // steps
};

// What one step reports: name -> value, the first is the loss that was differentiated.
using StepReport = std::vector<std::pair<std::string, double>>;

// Runs steps first..iterations: compute(it) builds the loss, calls backward() and returns the report. Resumes from
// DIR/checkpoint.pt when its `run_key` (digest of inputs, options, fingerprint) equals ours, otherwise starts anew.
// Writes DIR/log.jsonl (a resumed run rewrites it from the checkpoint on, so no step stands twice). On
// SIGTERM writes the checkpoint and throws interrupted. At iteration 0 of 0 nothing is trained. The caller writes
// the final weights. Non-finite losses throw `failed` with the step and the learning rate as a hint.
void train(Network& network, const TrainingOptions& options, const fs::path& dir, const std::string& run_key,
           const std::function<StepReport(int64_t it)>& compute,
           const std::function<void(int64_t first)>& start_at);  // start_at: where the data order must begin

}  // namespace boxseg
