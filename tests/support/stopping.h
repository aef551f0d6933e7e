// Stops a training program in the middle.
#pragma once
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "tests/support/support.h"

namespace boxseg::test {

// Starts the command, waits for the first checkpoint that it writes to the folder `output`, and sends the signal
// ("TERM", "KILL").
inline CommandResult stop_at_checkpoint(const std::string& command, const std::filesystem::path& output,
                                        const std::string& signal) {
  const std::string folder = "'" + output.string() + "'";
  return run_command(
      fmt::format("rm -f {0}/mark; mkdir -p {0}; touch {0}/mark; export BOXSEG_CHECKPOINT_EVERY_STEPS=1; {1} & pid=$!; "
                  "while kill -0 $pid 2>/dev/null && [ ! {0}/checkpoint.pt -nt {0}/mark ]; do sleep 0.02; done; kill "
                  "-{2} $pid; wait $pid",
                  folder, command, signal));
}

}  // namespace boxseg::test
