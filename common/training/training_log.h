// Writes log.jsonl of a training run: one line every few steps with the means since the last line. Its bytes depend on
// the steps alone, whatever interruptions lay between them.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/files.h"
#include "common/training/trainer.h"

namespace boxseg {

class TrainingLog {
 public:
  // Opens PATH and keeps the lines up to `last_step`, which a checkpoint vouches for; `open_sums` is what open_sums()
  // gave then.
  TrainingLog(fs::path path, int64_t log_every, int64_t last_step, const std::string& open_sums);
  ~TrainingLog();
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;

  // When this step completes a line, returns what stands in it after the step, the learning rate first; else nothing.
  StepReport add(int64_t step, double rate, const StepReport& report);
  void sync();                    // writes to disk; throws `failed` with the reason
  std::string open_sums() const;  // returns, as text for the checkpoint, the steps added since the last line

 private:
  fs::path path_;
  int64_t log_every_, count_ = 0;
  std::vector<std::pair<std::string, double>> sums_;
  int fd_ = -1;
};

}  // namespace boxseg
