// CrfOptions as every program's command line has them.
#pragma once
#include <string>
#include <vector>

#include "common/base/options.h"
#include "common/crf/dense_crf.h"

namespace boxseg {

// --bilateral WEIGHT,SXY,SRGB, --gaussian WEIGHT,SXY, and the number of iterations, whose flag is named by the program.
class CrfFlags {
 public:
  explicit CrfFlags(const CrfOptions& usual = {});
  void declare(Options& options, const std::string& iterations_flag = "crf-iterations");
  CrfOptions chosen() const;  // throws usage, naming the flag
  // The same, but what the command line leaves at its default is taken from `usual`.
  CrfOptions chosen_over(const CrfOptions& usual, const Options& command_line) const;

 private:
  std::vector<double> bilateral_, gaussian_;
  int64_t iterations_;
  std::string iterations_flag_ = "crf-iterations";
};

}  // namespace boxseg
