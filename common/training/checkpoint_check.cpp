#include "common/training/checkpoint_check.h"

#include <cstdio>

#include "common/io/checkpoint/checkpoint.h"
#include "common/training/trainer.h"

namespace boxseg {

ContentChecks checkpoint_checks() {
  return {{".pt", [](const fs::path& file, const Digest& recorded) {
             return digest_of_checkpoint(read_checkpoint(file)) == recorded;
           }}};
}

bool answered_training_check(const fs::path& path) {
  if (path.filename() != kTrainingCheckpoint) return false;
  std::printf("%s: whole, after step %lld\n", path.c_str(), static_cast<long long>(check_training_checkpoint(path)));
  return true;
}

}  // namespace boxseg
